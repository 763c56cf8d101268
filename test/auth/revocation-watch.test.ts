import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RevocationWatch } from "../../src/auth/revocation-watch.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { MemoryUsers } from "../support/memory-users.ts";
import { bearer, call, identification, seconds, token } from "../support/tokens.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(limits = {}) {
  const users = new MemoryUsers();
  return { users, watch: new RevocationWatch(users, { ...LIMITS, ...limits }) };
}

test("reads on demand, once a second at most, and otherwise knows at once", async () => {
  const { users, watch } = watched();
  await watch.fresh();
  expect(watch.fresh()).toBeUndefined();
  vi.advanceTimersByTime(1_000);
  expect(watch.fresh()).toBeUndefined();
  vi.advanceTimersByTime(1);
  await watch.fresh();
  expect(users.asked.revocations).toBe(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(users.asked.revocations).toBe(2);
});

test("knows what was revoked after its first look, of each user the newest", async () => {
  const { users, watch } = watched();
  await users.revokeTokens(1n, 50);
  await watch.fresh();
  expect(watch.tokensFrom(1n)).toBe(0);
  await users.revokeTokens(2n, 100);
  await users.revokeTokens(2n, 200);
  await users.revokeTokens(3n, 300);
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect([1n, 2n, 3n].map((user) => watch.tokensFrom(user))).toEqual([0, 200, 300]);
});

test("reads page after page", async () => {
  const { users, watch } = watched();
  await watch.fresh();
  users.pageSize = 2;
  for (let user = 1n; user <= 5n; user++) await users.revokeTokens(user, 100);
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect([1n, 2n, 3n, 4n, 5n].map((user) => watch.tokensFrom(user))).toEqual([100, 100, 100, 100, 100]);
  expect(users.asked.revocations).toBe(4);
});

test("hears of all that was revoked in a database that has been restored", async () => {
  const { users, watch } = watched();
  await users.revokeTokens(1n, 50);
  await watch.fresh();
  users.restore();
  await users.revokeTokens(2n, 100);
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect(watch.tokensFrom(2n)).toBe(100);
  await users.revokeTokens(3n, 200);
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect(watch.tokensFrom(3n)).toBe(200);
});

test("who asks while it reads waits for the same answer", async () => {
  const { users, watch } = watched();
  const { promise, resolve } = Promise.withResolvers<void>();
  users.answers = promise;
  const all = Promise.all(Array.from({ length: 100 }, () => watch.fresh()));
  await vi.advanceTimersByTimeAsync(500);
  expect(users.asked.revocations).toBe(1);
  resolve();
  await vi.advanceTimersByTimeAsync(100);
  await all;
  expect(users.asked.revocations).toBe(1);
});

test("who asks while a read has no end, as that of a call whose client left, reads anew", async () => {
  const { users, watch } = watched();
  users.answers = new Promise(() => {});
  void watch.fresh();
  const second = watch.fresh();
  users.answers = undefined;
  await vi.advanceTimersByTimeAsync(1_200);
  await second;
  expect(users.asked.revocations).toBe(2);
});

test("while the database can't be reached, all who ask get UNAVAILABLE, and then it works again", async () => {
  const { users, watch } = watched();
  await watch.fresh();
  vi.advanceTimersByTime(1_001);
  users.isGone = true;
  users.answers = new Promise((go) => setTimeout(go, 100));
  const answers = Promise.allSettled(Array.from({ length: 10 }, () => watch.fresh()));
  await vi.advanceTimersByTimeAsync(200);
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: "rejected", reason: { code: Code.Unavailable } });
  }
  expect(users.asked.revocations).toBe(2);
  users.isGone = false;
  await watch.fresh();
  expect(watch.fresh()).toBeUndefined();
});

test("two first looks at a time miss nothing that was revoked between them", async () => {
  const { users, watch } = watched();
  const slow = Promise.withResolvers<void>();
  users.answers = slow.promise.then(() => users.revokeTokens(7n, 100));
  const first = watch.fresh();
  await vi.advanceTimersByTimeAsync(1_001);
  users.answers = undefined;
  await watch.fresh();
  // The first answer comes late, with a number beyond that of user 7.
  slow.resolve();
  await first;
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect(watch.tokensFrom(7n)).toBe(100);
});

test("[P7] remembers so many users; beyond it, tokens as old as the forgotten count as revoked too", async () => {
  const { users, watch } = watched({ revokedUsers: 2 });
  await watch.fresh();
  for (const [user, from] of [
    [1n, 100],
    [2n, 300],
    [3n, 200],
    [4n, 400],
  ] as const)
    await users.revokeTokens(user, from);
  vi.advanceTimersByTime(1_001);
  await watch.fresh();
  expect([3n, 4n].map((user) => watch.tokensFrom(user))).toEqual([200, 400]);
  expect([1n, 2n, 5n].map((user) => watch.tokensFrom(user))).toEqual([300, 300, 300]);
});

describe("a user's token", () => {
  const revoked = { code: Code.Unauthenticated, rawMessage: "the token has been revoked" };

  test("is refused within a second after it was revoked; newer ones and those of others count", async () => {
    const { identify, users } = identification();
    const now = Date.now();
    const [old, recent, other] = await Promise.all([
      token({ iat: seconds(now) - 10 }),
      token({ iat: seconds(now) + 1 }),
      token({ sub: "8", iat: seconds(now) - 10 }),
    ]);
    const who = async (token: string) => identify(call(bearer(token)));
    for (const each of [old, recent, other]) await who(each);
    await users.revokeTokens(7n, now);
    vi.advanceTimersByTime(1_001);
    await expect(who(old)).rejects.toMatchObject(revoked);
    expect(await who(recent)).toMatchObject({ userId: 7n });
    expect(await who(other)).toMatchObject({ userId: 8n });
    expect(users.asked).toMatchObject({ signIn: 3, revocations: 2 });
  });

  test("is refused if it was revoked before its first use, and asks the database once", async () => {
    const { identify, users } = identification();
    await users.revokeTokens(7n, Date.now());
    const old = await token({ iat: seconds() - 10 });
    for (let i = 0; i < 3; i++) {
      await expect((async () => identify(call(bearer(old))))()).rejects.toMatchObject(revoked);
    }
    expect(users.asked.signIn).toBe(1);
  });

  test("is refused if it was revoked while it signed in, before the watch had looked", async () => {
    const { identify, users } = identification();
    const old = await token({ iat: seconds() - 10 });
    const signIn = users.signIn.bind(users);
    users.signIn = async (user) => {
      const answer = await signIn(user);
      await users.revokeTokens(7n, Date.now());
      return answer;
    };
    const who = async () => identify(call(bearer(old)));
    await who();
    vi.advanceTimersByTime(1_001);
    await expect(who()).rejects.toMatchObject(revoked);
  });

  test("doesn't count while nobody can say whether it was revoked", async () => {
    const { identify, users } = identification();
    const good = await token();
    const who = async () => identify(call(bearer(good)));
    await who();
    users.isGone = true;
    expect(await who()).toMatchObject({ userId: 7n });
    vi.advanceTimersByTime(1_001);
    await expect(who()).rejects.toMatchObject({ code: Code.Unavailable });
  });
});
