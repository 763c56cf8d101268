import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { CursorSchema } from "../../gen/chat_pb.ts";
import { limitVariable } from "../../src/http/config.ts";
import type { Model } from "../support/model.ts";
import { headOf, membersOf } from "../support/room-logs.ts";
import { JWT, SECRET } from "../support/tokens.ts";
import { call, change, ensure, operation, POSTS, roomId, talk, USERS } from "./operations.ts";
import type { ReaderKind, Start } from "./reader.ts";
import { createStage, protocols, SERVICE_KEY, type Servers, type Stage, World } from "./world.ts";

/** Small, so that a short history fills pages, feeds and commits. */
const SMALL = {
  logPageChanges: 6,
  logPageBytes: 60,
  feedBytes: 5_000,
  allFeedsBytes: 8_000,
  readerPages: 2,
  logReadPages: 3,
  logReads: 2,
  readsIntervalMs: 20,
  listIntervalMs: 20,
  listPageRooms: 2,
  commitChanges: 4,
  commitCharacters: 60,
  pageBytes: 100,
  namedRoomsBytes: 100,
  allPageChanges: 5,
  allPageBytes: 80,
};
const ENV = {
  ...Object.fromEntries(Object.entries(SMALL).map(([name, limit]) => [limitVariable(name), `${limit}`])),
  AUTH: "jwt",
  JWT_ISSUER: JWT.issuer,
  JWT_AUDIENCE: JWT.audience,
  JWT_SECRET: SECRET,
  API_KEYS: SERVICE_KEY,
};

const DEFAULT_RUNS = 25;
const { MODEL_SEED, MODEL_PATH, MODEL_REPLAY_PATH } = process.env;

/** A command that says, once it ran, what happened. */
class Step implements fc.AsyncCommand<Model, World> {
  readonly #name: string;
  readonly #run: (world: World) => Promise<void>;
  #happened: readonly string[] = [];

  constructor(name: string, run: (world: World) => Promise<void>) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_: Model, world: World): Promise<void> {
    const before = world.trace.length;
    try {
      await this.#run(world);
    } finally {
      this.#happened = world.trace.slice(before).map((line) => world.readable(line));
    }
  }

  toString(): string {
    return ["", this.#name, ...this.#happened].join("\n  ");
  }
}

const heartbeatSeconds = fc.constantFrom(0, 1, 300);
const index = fc.nat(20);

const perform = fc
  .oneof({ weight: 20, arbitrary: operation }, ensure)
  .map((operation) => new Step("call", (world) => world.perform(operation)));

const burst = fc
  .record({
    operations: fc.array(
      fc.record({ operation: fc.oneof({ weight: 4, arbitrary: change }, operation), isDouble: fc.nat(5) }),
      {
        minLength: 2,
        maxLength: 5,
      },
    ),
    returning: fc.array(index, { maxLength: 2 }),
    heartbeatSeconds,
  })
  .map(({ operations, returning, heartbeatSeconds }) => {
    const all = operations.flatMap(({ operation, isDouble }) =>
      isDouble === 5 ? [operation, operation] : [operation],
    );
    return new Step("burst", (world) => world.burst(all.slice(0, 6), returning, heartbeatSeconds));
  });

const attach = fc
  .record({
    protocol: fc.constantFrom(...protocols),
    kind: fc.constantFrom<ReaderKind>("events", "events and the list", "events and the list", "messages"),
    user: fc.nat(USERS - 1),
    rooms: fc.subarray(
      Array.from({ length: POSTS }, (_, i) => i),
      { minLength: 1 },
    ),
    isMember: fc.nat(9),
    starts: fc.array(
      fc.record({
        from: fc.oneof(
          { weight: 15, arbitrary: fc.constantFrom("beginning", "somewhere", "now") },
          { weight: 1, arbitrary: fc.constantFrom("beyond", "another epoch") },
        ),
        saysEpoch: fc.boolean(),
        seq: fc.nat(100),
        memberSeq: fc.nat(100),
      }),
      { minLength: POSTS, maxLength: POSTS },
    ),
    isStray: fc.nat(30),
    heartbeatSeconds,
  })
  .map(({ protocol, kind, user, rooms, isMember, starts, isStray, heartbeatSeconds }) => {
    return new Step("attach", (world) => {
      const userId = world.users[user]!;
      const own = rooms.filter((post) => {
        const room = world.model.rooms.get(roomId(world, post));
        return room && membersOf(room).has(userId);
      });
      const followed = isMember > 0 && own.length > 0 ? own : rooms;
      const from = followed.map((post): [bigint, Start] => {
        const id = roomId(world, post);
        const room = world.model.rooms.get(id);
        const { from, seq, memberSeq, saysEpoch } = starts[post]!;
        if (!room || from === "now") return [id, "now"];
        const head = headOf(room, saysEpoch ? world.model.epoch : "");
        if (from === "beginning") return [id, { ...head, seq: 0n, memberSeq: 0n }];
        if (from === "beyond") {
          // Messages know of seq only.
          const isSeq = kind === "messages" || seq % 2 === 0;
          return [id, { ...head, seq: head.seq + (isSeq ? 1n : 0n), memberSeq: head.memberSeq + (isSeq ? 0n : 1n) }];
        }
        const at = { seq: BigInt(seq) % (head.seq + 1n), memberSeq: BigInt(memberSeq) % (head.memberSeq + 1n) };
        return [id, { ...head, ...at, ...(from === "another epoch" && { epoch: from }) }];
      });
      const stray = isStray === 30 ? 2n ** 62n : undefined;
      return world.attach(protocol, userId, kind, new Map(from), heartbeatSeconds, stray);
    });
  });

const drop = index.map((index) => new Step("drop", (world) => world.drop(index)));
const resume = fc.record({ index, heartbeatSeconds }).map(({ index, heartbeatSeconds }) => {
  return new Step("resume", (world) => world.resume(index, heartbeatSeconds));
});
const settle = fc.constant(new Step("settle", (world) => world.settle()));
const everything = fc.constantFrom("drop", "resume", "settle").map((what) => {
  return new Step(`reader of everything: ${what}`, (world) => {
    return what === "settle" ? world.all.settle(world.model) : world.all[what as "drop" | "resume"]();
  });
});
const pages = fc
  .record({ user: fc.nat(USERS - 1), limit: fc.integer({ min: 1, max: 3 }), between: fc.array(talk, { maxLength: 3 }) })
  .map(({ user, limit, between }) => {
    return new Step("read pages", (world) => world.readPages(world.users[user]!, limit, between));
  });

const viewer = fc.constantFrom("drop", "resume", "settle").map((what) => {
  return new Step(`holder of a view: ${what}`, (world) => {
    return what === "drop" ? world.viewer.drop() : world.viewer[what as "resume" | "settle"](world.model);
  });
});

/** Three rooms, with messages in two of them, the first perhaps slow, and two readers; somebody else has a view of two. */
async function begin(world: World, isSlow: boolean): Promise<void> {
  const { posts, users } = world;
  await world.all.resume();
  for (const [post, [creator, ...others]] of [
    [0, 1, 2],
    [1, 0, 3],
    [2, 0],
  ].entries()) {
    await world.perform(() => call("createChatRoom", { postId: posts[post]!, userId: users[creator!]! }));
    const room = roomId(world, post);
    for (const user of others) await world.perform(() => call("addMember", { roomId: room, userId: users[user]! }));
    const hello = { roomId: room, userId: users[creator!]!, body: "hello" };
    if (post < 2) await world.perform(() => call("sendMessage", hello));
  }
  if (isSlow) await world.perform((names) => call("updateRoom", { roomId: roomId(names, 0), slowModeSeconds: 1_800 }));
  // Its answer has the epoch.
  await world.perform(() => call("listRooms", { userId: users[0]! }));
  await world.viewer.view([0, 2].map((post) => world.model.rooms.get(roomId(world, post))!));
  await world.viewer.resume(world.model);
  const rooms = [0, 1].map((post) => roomId(world, post));
  const beginning = new Map(rooms.map((room) => [room, create(CursorSchema)]));
  await world.attach("gRPC", users[0]!, "events and the list", beginning, 0);
  await world.attach("Connect over h2", users[1]!, "messages", new Map(rooms.map((room) => [room, "now"])), 0);
}

const isSlow = fc.constantFrom(true, false, false);
const hasHeartbeats = fc.constantFrom(true, ...Array<boolean>(9).fill(false));

const commands = fc.commands(
  [
    fc.oneof(
      { weight: 24, arbitrary: perform },
      { weight: 6, arbitrary: burst },
      { weight: 4, arbitrary: attach },
      { weight: 3, arbitrary: drop },
      { weight: 5, arbitrary: resume },
      { weight: 2, arbitrary: settle },
      { weight: 2, arbitrary: pages },
      { weight: 3, arbitrary: everything },
      { weight: 3, arbitrary: viewer },
    ),
  ],
  { maxCommands: 60, size: "max", ...(MODEL_REPLAY_PATH && { replayPath: MODEL_REPLAY_PATH }) },
);

/**
 * Random histories on the servers of one database, whose answers and streams have to be those of the model. Calls are
 * spread over all servers, and readers go from one to the next.
 */
export function conversationModel(
  name: string,
  start: (env: Record<string, string>) => Promise<Servers>,
  defaultRuns = DEFAULT_RUNS,
): void {
  const runs = Number(process.env.MODEL_RUNS ?? defaultRuns);
  describe(`a conversation on ${name}`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = createStage(await start(ENV), SMALL);
    });
    afterAll(() => stage?.servers[Symbol.asyncDispose]());

    test(`is what the model says, in ${runs} random histories`, { timeout: 60_000 + runs * 3_000 }, async () => {
      const property = fc.asyncProperty(commands, hasHeartbeats, isSlow, async (commands, hasHeartbeats, isSlow) => {
        await using world = new World(stage);
        await begin(world, isSlow);
        await fc.asyncModelRun(() => ({ model: world.model, real: world }), commands);
        await world.finish(hasHeartbeats);
      });
      await fc.assert(property, {
        numRuns: runs,
        endOnFailure: process.env.MODEL_SHRINK === "no",
        interruptAfterTimeLimit: 45_000 + runs * 3_000,
        ...(MODEL_SEED && { seed: Number(MODEL_SEED) }),
        ...(MODEL_PATH && { path: MODEL_PATH }),
      });
      if (process.env.MODEL_SEEN) console.log(new Map([...stage.seen].sort()));
    });
  });
}
