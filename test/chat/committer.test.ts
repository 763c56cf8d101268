import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SendMessageReq, SendMessageReqSchema } from "../../gen/chat_pb.ts";
import type { Batch } from "../../src/chat/broadcaster.ts";
import { Committer } from "../../src/chat/committer.ts";
import { notInRoom } from "../../src/chat/errors.ts";
import { COMMIT_CHARACTERS, COMMIT_SENDS, WAITING_SENDS } from "../../src/chat/limits.ts";
import type { Outcome } from "../../src/chat/store.ts";
import { testMessage } from "../support/memory-log.ts";

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

  test("at most COMMIT_SENDS share a commit", async () => {
    const stage = new Stage();
    const answers = Array.from({ length: 2 * COMMIT_SENDS + 2 }, (_, i) => stage.send(`${i}`));
    const sizes: number[] = [];
    for (let i = 0; i < 4; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes).toEqual([1, COMMIT_SENDS, COMMIT_SENDS, 1]);
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(answers.map((_, i) => `${i}`));
  });

  test("at most COMMIT_CHARACTERS share a commit, but one send is never too long for it", async () => {
    const stage = new Stage();
    const tenth = "x".repeat(COMMIT_CHARACTERS / 10);
    const tooLong = "y".repeat(COMMIT_CHARACTERS + 1);
    const answers = ["first", ...Array<string>(11).fill(tenth), tooLong, "last"].map((body) => stage.send(body));
    const sizes: number[] = [];
    for (let i = 0; i < 5; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes).toEqual([1, 10, 1, 1, 1]);
    await Promise.all(answers);
  });

  test("more than WAITING_SENDS are refused with UNAVAILABLE, the others are not harmed", async () => {
    const stage = new Stage();
    const answers = [stage.send("under way")];
    const commit = await stage.commit();
    for (let i = 0; i < WAITING_SENDS; i++) answers.push(stage.send("waits"));
    await expect(stage.send("one more")).rejects.toMatchObject({ code: Code.Unavailable });

    commit.succeed();
    await answers[0];
    answers.push(stage.send("fits again"));
    stage.succeedAlways();
    expect((await Promise.all(answers)).at(-1)).toMatchObject({ body: "fits again", seq: BigInt(WAITING_SENDS + 2) });
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
    const stage = new Stage();
    const answers = ["retry", "new"].map((body) => stage.send(body, 1n));
    const [first, fresh] = [testMessage(1n, 5n, "retry"), testMessage(1n, 6n, "new")];
    (await stage.commit()).succeed([{ message: first, isNew: false }]);
    (await stage.commit()).succeed([{ message: fresh, isNew: true }]);
    expect(await Promise.all(answers)).toEqual([first, fresh]);
    expect(stage.published).toEqual([[fresh]]);
  });

  test("[H1] a commit in which nothing is new publishes nothing", async () => {
    const stage = new Stage();
    const answers = [stage.send("retry"), stage.send("stranger")];
    (await stage.commit()).succeed([{ message: testMessage(1n, 1n), isNew: false }]);
    (await stage.commit()).succeed([notInRoom(1n, 1n)]);
    await Promise.allSettled(answers);
    expect(stage.published).toEqual([]);
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
    (await stage.commit()).succeed([{ message: messageA, isNew: true }, refusal, { message: messageB, isNew: true }]);
    await expect(stranger).rejects.toBe(refusal);
    expect(await a).toBe(messageA);
    expect(await b).toBe(messageB);
    expect(stage.published.at(-1)).toEqual([messageA, messageB]);
  });

  test("a failing commit rejects all of its own sends, publishes nothing, and the next commit works", async () => {
    const stage = new Stage();
    const first = stage.send("first");
    const one = await stage.commit();
    const group = Promise.allSettled([stage.send("a"), stage.send("b")]);
    one.succeed();
    await first;
    const two = await stage.commit();
    const later = stage.send("later");
    const reason = new ConnectError("the database is away", Code.Unavailable);
    two.fail(reason);
    expect(await group).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    (await stage.commit()).succeed();
    expect(await later).toMatchObject({ body: "later", seq: 2n });
    expect(stage.published.map((batch) => batch.map(({ body }) => body))).toEqual([["first"], ["later"]]);
  });

  test("a store that throws instead of rejecting is a failing commit too", async () => {
    let works = false;
    const reason = new Error("thrown at once");
    const message = testMessage(1n, 1n);
    const committer = new Committer(
      {
        commit(sends) {
          if (!works) throw reason;
          return Promise.resolve(sends.map(() => ({ message, isNew: true })));
        },
      },
      { publish() {} },
    );
    await expect(committer.send(request("a"))).rejects.toBe(reason);
    works = true;
    expect(await committer.send(request("b"))).toBe(message);
  });

  test("[H2] each room's changes are published in the order of their seq, none missing, one batch per room and commit", async () => {
    const sends = fc.array(fc.record({ roomId: fc.bigInt({ min: 1n, max: 3n }), fails: fc.boolean() }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), sends, async (s, plan) => {
        const stage = new Stage();
        stage.succeedAlways(() => s.schedule(Promise.resolve(), "commit"));
        const answers: Promise<unknown>[] = [];
        s.scheduleSequence(
          plan.map(({ roomId, fails }) => async () => {
            answers.push(stage.send(fails ? REFUSED : "hello", roomId));
          }),
        );
        await s.waitIdle();
        await Promise.allSettled(answers);

        const answered = plan.filter(({ fails }) => !fails);
        for (const roomId of [1n, 2n, 3n]) {
          const published = stage.published.filter(([first]) => first.roomId === roomId).flat();
          const due = answered.filter((send) => send.roomId === roomId).map((_, i) => BigInt(i + 1));
          expect(published.map(({ seq }) => seq)).toEqual(due);
        }
        for (const batch of stage.published) expect(new Set(batch.map(({ roomId }) => roomId)).size).toBe(1);
        const perCommit = stage.batchesPerCommit.map((rooms) => new Set(rooms).size === rooms.length);
        expect(perCommit).not.toContain(false);
      }),
      { numRuns: 200 },
    );
  });
});

const REFUSED = "refused";

function request(body: string, roomId = 1n): SendMessageReq {
  return create(SendMessageReqSchema, { body, roomId, userId: 1n });
}

/** A commit under way; the test says how it ends. */
interface Commit {
  readonly sends: readonly SendMessageReq[];
  succeed(outcomes?: Outcome[]): void;
  fail(reason: unknown): void;
}

/** A committer between a store whose commits end when the test says so and a publisher that keeps what it is given. */
class Stage {
  readonly published: Batch[] = [];
  /** The rooms of the batches published after each commit. */
  readonly batchesPerCommit: bigint[][] = [];
  readonly #committer = new Committer(
    { commit: (sends) => this.#begin(sends) },
    {
      publish: (batch) => {
        this.published.push(batch);
        this.batchesPerCommit.at(-1)!.push(batch[0].roomId);
      },
    },
  );
  readonly #heads = new Map<bigint, bigint>();
  readonly #commits: Commit[] = [];
  #begun = Promise.withResolvers<void>();
  #gate: (() => Promise<void>) | undefined;

  send(body: string, roomId?: bigint) {
    return this.#committer.send(request(body, roomId));
  }

  /** The next commit, once it is under way. */
  async commit(): Promise<Commit> {
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

  #begin(sends: readonly SendMessageReq[]): Promise<Outcome[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    const succeed = (outcomes = sends.map((req) => this.#append(req))) => {
      this.batchesPerCommit.push([]);
      resolve(outcomes);
    };
    if (this.#gate) void this.#gate().then(() => succeed());
    else this.#commits.push({ sends, succeed, fail: reject });
    this.#begun.resolve();
    return promise;
  }

  #append({ roomId, body }: SendMessageReq): Outcome {
    if (body === REFUSED) return notInRoom(roomId, 1n);
    const seq = (this.#heads.get(roomId) ?? 0n) + 1n;
    this.#heads.set(roomId, seq);
    return { message: testMessage(roomId, seq, body), isNew: true };
  }
}
