import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Message, type SendMessageReq, SendMessageReqSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { Committer } from "../../src/chat/committer.ts";
import { notInRoom } from "../../src/chat/errors.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { Commit, RoomChange } from "../../src/chat/store.ts";
import { change } from "../support/changes.ts";
import { MemoryLog, testMessage } from "../support/memory-log.ts";
import { nextTurn } from "../support/stream-setup.ts";

const { commitChanges, commitCharacters } = LIMITS;

describe("group commit", () => {
  test("sends that wait share the next commit, in the order of their arrival", async () => {
    const stage = new Stage();
    const first = stage.send("a");
    const one = await stage.commit();
    const others = ["b", "c", "d"].map((body) => stage.send(body));
    expect(stage.underWay).toBe(0);
    one.succeed();
    expect((await first).seq).toBe(1n);

    const two = await stage.commit();
    expect(two.sends.map(({ body }) => body)).toEqual(["b", "c", "d"]);
    two.succeed();
    expect((await Promise.all(others)).map(({ body, seq }) => `${seq} ${body}`)).toEqual(["2 b", "3 c", "4 d"]);
  });

  test("a committer that was idle works again", async () => {
    const stage = new Stage();
    for (const seq of [1n, 2n, 3n]) {
      const answer = stage.send("a");
      (await stage.commit()).succeed();
      expect((await answer).seq).toBe(seq);
    }
  });

  test("a change that comes alone is committed at once, in the call that brings it", async () => {
    const gather = vi.fn(async () => {});
    const stage = new Stage({}, gather);
    for (const body of ["a", "b", "c"]) {
      const answer = stage.send(body);
      expect(stage.underWay, "at once").toBe(1);
      (await stage.commit()).succeed();
      await answer;
    }
    expect(gather).not.toHaveBeenCalled();
  });

  test("after changes that came together, the next ones are gathered, until one has come alone", async () => {
    const gathering: PromiseWithResolvers<void>[] = [];
    const gather = () => {
      gathering.push(Promise.withResolvers());
      return gathering.at(-1)!.promise;
    };
    const stage = new Stage({}, gather);
    const answers = ["a", "b", "c"].map((body) => stage.send(body));
    (await stage.commit()).succeed();
    const together = await stage.commit();
    expect(together.sends.map(({ body }) => body)).toEqual(["b", "c"]);
    answers.push(stage.send("d"));
    together.succeed();
    await nextTurn();
    expect([stage.underWay, gathering.length], "what arrives meanwhile is waited for").toEqual([0, 1]);
    answers.push(stage.send("e"));
    gathering[0]!.resolve();
    const gathered = await stage.commit();
    expect(gathered.sends.map(({ body }) => body)).toEqual(["d", "e"]);
    gathered.succeed();
    await Promise.all(answers);

    const alone = stage.send("f");
    gathering[1]!.resolve();
    (await stage.commit()).succeed();
    await alone;
    void stage.send("g");
    expect([stage.underWay, gathering.length]).toEqual([1, 2]);
  });

  test("at most commitChanges share a commit", async () => {
    const stage = new Stage();
    const answers = Array.from({ length: 2 * commitChanges + 1 }, (_, i) => stage.send(`${i}`));
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes, "the first comes alone").toEqual([1, commitChanges, commitChanges]);
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(answers.map((_, i) => `${i}`));
  });

  test("at most commitCharacters share a commit, but one send is never too long for it", async () => {
    const stage = new Stage();
    const tenth = "x".repeat(commitCharacters / 10);
    const tooLong = "y".repeat(commitCharacters + 1);
    const answers = [...Array<string>(12).fill(tenth), tooLong, "last"].map((body) => stage.send(body));
    const sizes: number[] = [];
    for (let i = 0; i < 5; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes).toEqual([1, 10, 1, 1, 1]);
    await Promise.all(answers);
  });

  test("more than waitingChanges are refused with UNAVAILABLE, the others are not harmed", async () => {
    const waitingChanges = 1_000;
    const stage = new Stage({ waitingChanges });
    const answers = [stage.send("under way")];
    const commit = await stage.commit();
    for (let i = 0; i < waitingChanges; i++) answers.push(stage.send("waits"));
    await expect(stage.send("one more")).rejects.toMatchObject({ code: Code.Unavailable });

    commit.succeed();
    const next = await stage.commit();
    answers.push(stage.send("fits again"));
    next.succeed();
    stage.succeedAlways();
    expect((await Promise.all(answers)).at(-1)).toMatchObject({ body: "fits again", seq: BigInt(waitingChanges + 2) });
  });

  test("beyond waitingCharacters, all changes are refused with UNAVAILABLE, until those that wait have their turn", async () => {
    const stage = new Stage({ waitingCharacters: 10 });
    const answers = [stage.send("under way, and therefore not counted")];
    const commit = await stage.commit();
    answers.push(stage.send("x".repeat(5)), stage.edit("y".repeat(5)) as Promise<Message>);
    answers.push(stage.send("one more fits, as the bound is not passed yet"));
    const refused = [stage.send("z"), stage.edit("z"), stage.read(1n)];
    for (const each of refused) await expect(each).rejects.toMatchObject({ code: Code.Unavailable });

    commit.succeed();
    const next = await stage.commit();
    answers.push(stage.send("fits again, however long it is"));
    await expect(stage.send("z")).rejects.toMatchObject({ code: Code.Unavailable });
    next.succeed();
    (await stage.commit()).succeed();
    expect((await Promise.all(answers)).map(({ seq }) => seq)).toEqual([1n, 2n, 3n, 4n, 5n]);
    const after = stage.send("and again");
    (await stage.commit()).succeed();
    expect(await after).toMatchObject({ body: "and again", seq: 6n });
  });

  test("a failure frees the waiting characters too", async () => {
    const stage = new Stage({ waitingCharacters: 10 });
    const answers = [stage.send("under way")];
    const commit = await stage.commit();
    answers.push(stage.send("x".repeat(11)));
    commit.fail(new ConnectError("the database is away", Code.Unavailable));
    expect(await Promise.allSettled(answers)).toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
    const later = [stage.send("x"), stage.send("x".repeat(9)), stage.send("x")];
    stage.succeedAlways();
    expect((await Promise.all(later)).map(({ seq }) => seq)).toEqual([1n, 2n, 3n]);
  });
});

describe("RoomHost", () => {
  test("[H1] a send is published before it is answered, and neither before it is durable", async () => {
    const stage = new Stage();
    let publishedWhenAnswered: number | undefined;
    const answer = stage.send("a").then(() => (publishedWhenAnswered = stage.published.length));
    const commit = await stage.commit();
    expect(stage.published).toEqual([]);
    expect(publishedWhenAnswered).toBeUndefined();
    commit.succeed();
    await answer;
    expect(publishedWhenAnswered).toBe(1);
  });

  test("[H1] a retry is answered with the first message and not published again", async () => {
    const stage = await Stage.busy();
    const answers = ["retry", "new"].map((body) => stage.send(body, 1n));
    stage.goOn();
    const [first, fresh] = [testMessage(1n, 5n, "retry"), testMessage(1n, 6n, "new")];
    (await stage.commit()).succeed({ ...sent(fresh), outcomes: [first, fresh] });
    expect(await Promise.all(answers)).toEqual([first, fresh]);
    expect(stage.published.slice(1)).toEqual(sent(fresh).news);
  });

  test("[H1] a commit in which nothing is new publishes nothing", async () => {
    const stage = await Stage.busy();
    const answers = [stage.send("retry"), stage.send("stranger")];
    stage.goOn();
    (await stage.commit()).succeed({ outcomes: [testMessage(1n, 1n), notInRoom(1n, 1n)], news: [], reads: [] });
    await Promise.allSettled(answers);
    expect(stage.bodies).toEqual([["under way"]]);
  });

  test("a send that is refused rejects alone; the others of its commit are published and answered", async () => {
    const stage = new Stage();
    const first = stage.send("first");
    const one = await stage.commit();
    const [a, stranger, b] = ["a", "stranger", "b"].map((body) => stage.send(body));
    one.succeed();
    await first;
    const [messageA, messageB] = [testMessage(1n, 2n, "a"), testMessage(1n, 3n, "b")];
    const refusal = notInRoom(1n, 1n);
    const { news } = sent(messageA, messageB);
    (await stage.commit()).succeed({ outcomes: [messageA, refusal, messageB], news, reads: [] });
    await expect(stranger).rejects.toBe(refusal);
    expect(await a).toBe(messageA);
    expect(await b).toBe(messageB);
    expect(stage.published.at(-1)).toBe(news[0]);
  });

  test("a failing commit rejects all of its own sends, publishes nothing, and the next commit works", async () => {
    const stage = new Stage();
    const { group, waiting, commit } = await stage.groups();
    const reason = new Error("a defect");
    commit.fail(reason);
    expect(await group).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    (await stage.commit()).succeed();
    expect(await waiting).toMatchObject({ body: "waiting", seq: 2n });
    expect(stage.bodies).toEqual([["first"], ["waiting"]]);
  });

  test("when the database is away, those who wait are told too, and whoever comes later is served", async () => {
    const stage = new Stage();
    const { group, waiting, commit } = await stage.groups();
    const reason = new ConnectError("the database is away", Code.Unavailable);
    commit.fail(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await group).toMatchObject([{ reason }, { reason }]);
    expect(stage.underWay).toBe(0);
    const later = stage.send("later");
    (await stage.commit()).succeed();
    expect(await later).toMatchObject({ body: "later", seq: 2n });
    expect(stage.bodies).toEqual([["first"], ["later"]]);
  });

  test("a store that throws instead of rejecting is a failing commit too", async () => {
    let works = false;
    const reason = new Error("thrown at once");
    const message = testMessage(1n, 1n);
    const committer = new Committer(
      {
        commit() {
          if (!works) throw reason;
          return Promise.resolve(sent(message));
        },
      },
      { publish() {} },
    );
    await expect(committer.apply(request("a"))).rejects.toBe(reason);
    works = true;
    expect(await committer.apply(request("b"))).toBe(message);
  });

  test("[H2] each room's changes are published in the order of their numbers, none missing", async () => {
    const plans = fc.array(
      fc.record({ roomId: fc.bigInt({ min: 1n, max: 3n }), what: fc.constantFrom("send", "add", "refused") }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (s, plan) => {
        const stage = new Stage();
        stage.succeedAlways(() => s.schedule(Promise.resolve(), "commit"));
        const answers: Promise<unknown>[] = [];
        s.scheduleSequence(
          plan.map(({ roomId, what }) => async () => {
            if (what === "add") answers.push(stage.add(roomId));
            else answers.push(stage.send(what === "refused" ? REFUSED : "hello", roomId));
          }),
        );
        await s.waitIdle();
        await Promise.allSettled(answers);

        for (const roomId of [1n, 2n, 3n]) {
          const published = stage.published.filter((news) => news.roomId === roomId);
          const due = (kind: string) =>
            plan.filter((each) => each.roomId === roomId && each.what === kind).map((_, i) => BigInt(i + 1));
          expect(published.flatMap(({ messages }) => messages.map(({ seq }) => seq))).toEqual(due("send"));
          const before = 4n; // the author, and users 1 to 3
          expect(published.flatMap(({ members }) => members.map(({ memberSeq }) => memberSeq - before))).toEqual(
            due("add"),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a read position is told once it is durable, the first of a room at once and the next ones together", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const stage = new Stage();
      stage.succeedAlways();
      const [first, second] = [await stage.send("a"), await stage.send("b")];
      stage.published.length = 0;
      await stage.read(1n, first.id);
      expect(stage.published).toMatchObject([
        { roomId: 1n, memberSeq: 4n, messages: [], reads: { readMessageIds: { 1: first.id } }, readsArePrivate: false },
      ]);
      await Promise.all([stage.read(1n, second.id), stage.read(1n, first.id, 2n), stage.read(1n, second.id, 2n)]);
      await stage.read(1n, first.id);
      expect(stage.published).toHaveLength(1);
      vi.advanceTimersByTime(LIMITS.readsIntervalMs);
      expect(stage.published.slice(1)).toMatchObject([{ reads: { readMessageIds: { 1: second.id, 2: second.id } } }]);
      vi.advanceTimersByTime(10 * LIMITS.readsIntervalMs);
      expect(stage.published, "a position that stays where it is is not told").toHaveLength(2);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("typing is published at once, also while a commit is under way", async () => {
    const stage = new Stage();
    void stage.send("a");
    const typing = create(TypingSchema, { roomId: 1n, userId: 2n, expiresAt: timestampNow() });
    await stage.committer.type(typing, 7n);
    expect(stage.published).toEqual([create(NewsSchema, { roomId: 1n, memberSeq: 7n, typing: [typing] })]);
  });
});

const REFUSED = "refused";

function request(body: string, roomId = 1n) {
  const value = create(SendMessageReqSchema, { body, roomId, userId: 1n });
  return { case: "sendMessage", value } as const;
}

/** What a store makes of sends to one room. */
function sent(...messages: Message[]): Commit {
  const { roomId } = messages[0]!;
  return { outcomes: messages, news: [create(NewsSchema, { roomId, messages })], reads: [] };
}

/** A commit under way; the test says how it ends. */
interface Ongoing {
  readonly sends: readonly SendMessageReq[];
  succeed(commit?: Commit): void;
  fail(reason: unknown): void;
}

/** A committer between a store whose commits end when the test says so and a publisher that keeps what it is given. */
class Stage {
  readonly published: News[] = [];
  readonly committer: Committer;
  readonly #log = new MemoryLog();
  readonly #commits: Ongoing[] = [];
  #begun = Promise.withResolvers<void>();
  #gate: (() => Promise<void>) | undefined;
  #lastUser = 2_000n;

  constructor(limits: Partial<Limits> = {}, gather?: () => Promise<void>) {
    this.committer = new Committer(
      { commit: (changes) => this.#begin(changes) },
      { publish: (news) => void this.published.push(news) },
      { limits: { ...LIMITS, ...limits }, ...(gather && { gather }) },
    );
  }

  /** One with a send under way, so that those who come share the next commit. */
  static async busy(): Promise<Stage> {
    const stage = new Stage();
    void stage.send("under way");
    const { succeed } = await stage.commit();
    stage.goOn = succeed;
    return stage;
  }

  /** Lets what is under way succeed. */
  goOn: () => void = () => {};

  send(body: string, roomId?: bigint): Promise<Message> {
    return this.committer.apply(request(body, roomId));
  }

  read(roomId: bigint, messageId = 1n, userId = 1n): Promise<unknown> {
    return this.committer.apply(change("markRead", { roomId, userId, messageId }));
  }

  /** A member that no other room has. */
  add(roomId: bigint): Promise<unknown> {
    return this.committer.apply(change("addMember", { roomId, userId: ++this.#lastUser }));
  }

  edit(body: string, roomId = 1n): Promise<unknown> {
    return this.committer.apply(change("editMessage", { roomId, userId: 1n, messageId: 1n, body }));
  }

  /** The first send is answered, two are under way, and one waits. */
  async groups() {
    const first = this.send("first");
    const one = await this.commit();
    const group = Promise.allSettled([this.send("a"), this.send("b")]);
    one.succeed();
    await first;
    const commit = await this.commit();
    return { group, commit, waiting: this.send("waiting") };
  }

  get bodies(): string[][] {
    return this.published.map(({ messages }) => messages.map(({ body }) => body));
  }

  /** The next commit, once it is under way. */
  async commit(): Promise<Ongoing> {
    while (this.#commits.length === 0) {
      this.#begun = Promise.withResolvers();
      await this.#begun.promise;
    }
    return this.#commits.shift()!;
  }

  /** Commits that commit() hasn't returned yet. */
  get underWay(): number {
    return this.#commits.length;
  }

  /** Lets all commits from here on, and those under way, succeed after `gate`. */
  succeedAlways(gate = () => Promise.resolve()): void {
    this.#gate = gate;
    for (const commit of this.#commits.splice(0)) commit.succeed();
  }

  #begin(changes: readonly RoomChange[]): Promise<Commit> {
    const { promise, resolve, reject } = Promise.withResolvers<Commit>();
    const succeed = (commit?: Commit) => resolve(commit ?? this.#commit(changes));
    if (this.#gate) void this.#gate().then(() => succeed());
    else {
      const sends = changes.flatMap((each) => (each.case === "sendMessage" ? each.value : []));
      this.#commits.push({ sends, succeed, fail: reject });
    }
    this.#begun.resolve();
    return promise;
  }

  #commit(changes: readonly RoomChange[]): Commit {
    const commits = changes.map((each): Commit => {
      const { roomId } = each.value;
      this.#log.head(roomId);
      if (each.case === "addMember" || each.case === "markRead") return this.#log.commitNow([each]);
      const body = "body" in each.value ? each.value.body : "";
      if (body === REFUSED) return { outcomes: [notInRoom(roomId, 1n)], news: [], reads: [] };
      const made = this.#log.append(roomId);
      for (const message of made.messages) message.body = body;
      return { outcomes: made.messages, news: [made], reads: [] };
    });
    return {
      outcomes: commits.flatMap(({ outcomes }) => outcomes),
      news: commits.flatMap(({ news }) => news),
      reads: commits.flatMap(({ reads }) => reads),
    };
  }
}
