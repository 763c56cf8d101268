import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { GroupCommit } from "../../src/chat/group-commit.ts";
import { LIMITS, type Limits } from "../../src/chat/limits.ts";
import type { Commit, RoomChange } from "../../src/chat/store.ts";
import { change } from "../support/changes.ts";

/** A change of a room whose outcome tells its text. */
const send = (body: string) => change("sendMessage", { roomId: 1n, userId: 1n, body });

/** Commits that each last until they are let go on. */
function setup(limits: Partial<Limits> = {}) {
  const transactions: string[][] = [];
  const goOn: (() => void)[] = [];
  const store = {
    async commit(changes: readonly RoomChange[]): Promise<Commit> {
      const bodies = changes.map(({ value }) => ("body" in value ? value.body : ""));
      transactions.push(bodies);
      await new Promise<void>((resolve) => goOn.push(resolve));
      return { outcomes: bodies.map((body) => new ConnectError(body)), news: [], reads: [] };
    },
  };
  const groups = new GroupCommit(store, { limits: { ...LIMITS, ...limits } });
  /** The texts of the outcomes of a group. */
  const commit = async (bodies: string[], beginBy?: number) => {
    const { commit, first } = await groups.commit(bodies.map(send), beginBy);
    return commit.outcomes.slice(first, first + bodies.length).map((outcome) => (outcome as ConnectError).rawMessage);
  };
  const finish = async () => {
    for (let idle = 0; idle < 3; idle++) {
      if (goOn.length > 0) idle = 0;
      goOn.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { commit, finish, transactions };
}

test("groups that come while a transaction is under way share the next one, and each finds its outcomes in it", async () => {
  const { commit, finish, transactions } = setup();
  const groups = [["a"], ["b", "c"], [], ["d"]];
  const outcomes = Promise.all(groups.map((bodies) => commit(bodies)));
  await finish();
  expect(await outcomes).toEqual(groups);
  expect(transactions).toEqual([["a"], ["b", "c", "d"]]);
});

test("[P7] a group is in one transaction as a whole, which has no more changes and characters than it may", async () => {
  const { commit, finish, transactions } = setup({ commitChanges: 3, commitCharacters: 10 });
  const groups = [["first"], ["a", "b"], ["c", "d"], ["123456", "7890123456"], ["e"]];
  const outcomes = Promise.all(groups.map((bodies) => commit(bodies)));
  await finish();
  expect(await outcomes).toEqual(groups);
  expect(transactions).toEqual(groups);
});

test("[P7] too many changes that wait are refused, until some have been committed", async () => {
  const { commit, finish } = setup({ waitingChanges: 2 });
  const accepted = [commit(["under way"]), commit(["a", "b"])];
  await expect(commit(["c"])).rejects.toMatchObject({ code: Code.Unavailable });
  await finish();
  expect(await Promise.all([...accepted, Promise.all([commit(["d"]), finish()])])).toHaveLength(3);
});

test("[S7] a group whose transaction can't begin in time is refused, and not committed; the others are", async () => {
  const { commit, finish, transactions } = setup();
  const first = commit(["first"], Date.now() + 10_000);
  const late = commit(["late"], Date.now() - 1).catch((e: unknown) => ConnectError.from(e).code);
  const last = commit(["last"], Date.now() + 10_000);
  await finish();
  expect(await Promise.all([first, late, last])).toEqual([["first"], Code.Unavailable, ["last"]]);
  expect(transactions).toEqual([["first"], ["last"]]);
});
