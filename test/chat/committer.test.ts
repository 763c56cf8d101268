import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Message, type SendMessageReq, SendMessageReqSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import { Committer } from "../../src/chat/committer.ts";
import { notInRoom } from "../../src/chat/errors.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { Commit, RoomChange } from "../../src/chat/store.ts";
import { change } from "../support/changes.ts";
import { MemoryLog, testMessage } from "../support/memory-log.ts";

const { commitChanges, commitCharacters, waitingChanges } = LIMITS;

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

  test("at most commitChanges share a commit", async () => {
    const stage = new Stage();
    const answers = Array.from({ length: 2 * commitChanges + 1 }, (_, i) => stage.send(`${i}`));
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes).toEqual([commitChanges, commitChanges, 1]);
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(answers.map((_, i) => `${i}`));
  });

  test("at most commitCharacters share a commit, but one send is never too long for it", async () => {
    const stage = new Stage();
    const tenth = "x".repeat(commitCharacters / 10);
    const tooLong = "y".repeat(commitCharacters + 1);
    const answers = [...Array<string>(12).fill(tenth), tooLong, "last"].map((body) => stage.send(body));
    const sizes: number[] = [];
    for (let i = 0; i < 4; i++) {
      const commit = await stage.commit();
      sizes.push(commit.sends.length);
      commit.succeed();
    }
    expect(sizes).toEqual([10, 2, 1, 1]);
    await Promise.all(answers);
  });

  test("more than waitingChanges are refused with UNAVAILABLE, the others are not harmed", async () => {
    const stage = new Stage();
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
    const stage = new Stage();
    const answers = ["retry", "new"].map((body) => stage.send(body, 1n));
    const [first, fresh] = [testMessage(1n, 5n, "retry"), testMessage(1n, 6n, "new")];
    (await stage.commit()).succeed({ outcomes: [first, fresh], news: sent(fresh).news });
    expect(await Promise.all(answers)).toEqual([first, fresh]);
    expect(stage.published).toEqual(sent(fresh).news);
  });

  test("[H1] a commit in which nothing is new publishes nothing", async () => {
    const stage = new Stage();
    const answers = [stage.send("retry"), stage.send("stranger")];
    (await stage.commit()).succeed({ outcomes: [testMessage(1n, 1n), notInRoom(1n, 1n)], news: [] });
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
    const { news } = sent(messageA, messageB);
    (await stage.commit()).succeed({ outcomes: [messageA, refusal, messageB], news });
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
      fc.record({ roomId: fc.bigInt({ min: 1n, max: 3n }), what: fc.constantFrom("send", "read", "refused") }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (s, plan) => {
        const stage = new Stage();
        stage.succeedAlways(() => s.schedule(Promise.resolve(), "commit"));
        const answers: Promise<unknown>[] = [];
        s.scheduleSequence(
          plan.map(({ roomId, what }) => async () => {
            if (what === "read") answers.push(stage.read(roomId));
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
          expect(published.flatMap(({ members }) => members.map(({ member }) => member!.memberSeq))).toEqual(
            due("read"),
          );
        }
      }),
      { numRuns: 200 },
    );
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
  return { outcomes: messages, news: [create(NewsSchema, { roomId, messages })] };
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

  constructor(limits: Partial<Limits> = {}) {
    this.committer = new Committer(
      { commit: (changes) => this.#begin(changes) },
      { publish: (news) => void this.published.push(news) },
      { limits: { ...LIMITS, ...limits } },
    );
  }

  send(body: string, roomId?: bigint): Promise<Message> {
    return this.committer.apply(request(body, roomId));
  }

  read(roomId: bigint): Promise<unknown> {
    return this.committer.apply(change("markRead", { roomId, userId: 1n, messageId: 1n }));
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
    const news: News[] = [];
    const outcomes = changes.map(({ case: name, value: { roomId, ...value } }) => {
      const body = "body" in value ? value.body : "";
      if (body === REFUSED) return notInRoom(roomId, 1n);
      const made = this.#log.commit(roomId, [name === "markRead" ? { kind: "read", userId: 1n } : { kind: "send" }]);
      for (const message of made.messages) message.body = body;
      news.push(made);
      return made.messages[0] ?? made.members[0]!.member!;
    });
    return { outcomes, news };
  }
}
