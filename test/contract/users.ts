import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChatStore } from "../../src/chat/store.ts";
import {
  FIRST_KEYED_USER,
  isKeyed,
  LAST_KEYED_USER,
  type SignedIn,
  type UserStore,
} from "../../src/chat/user-store.ts";
import { apply } from "../support/changes.ts";
import { freshId } from "../support/fresh-id.ts";
import { GREATEST_ID } from "../support/greatest-id.ts";
import { newStoredRoom } from "../support/stored-rooms.ts";

export interface UserParts extends AsyncDisposable {
  readonly users: UserStore;
  /** The rooms that the users are in. */
  readonly store: ChatStore;
  /** Other users on the same data, as another process has them. */
  open(): Promise<UserStore>;
}

const freshKey = () => `user ${freshId()}`;

/** The rules of UserStore in src/chat/user-store.ts that hold without anything breaking, for anything that implements them. */
export function usersContract(name: string, createParts: () => Promise<UserParts>): void {
  describe(`${name} keeps users`, () => {
    let parts: UserParts;
    let users: UserStore;
    beforeAll(async () => {
      parts = await createParts();
      users = parts.users;
    });
    afterAll(() => parts?.[Symbol.asyncDispose]());

    const signIn = (key: string, issuedAt = 0, name = "", picture = "") => {
      return users.signIn({ key, name, picture, issuedAt });
    };
    const profileOf = async (key: string) => {
      const [profile] = await users.profiles([], [key]);
      return profile && [profile.name, profile.picture];
    };

    describe("keys", () => {
      test("[U1] a number is that user's id", async () => {
        const ids = [1n, 42n, freshId() % FIRST_KEYED_USER, FIRST_KEYED_USER - 1n];
        if (GREATEST_ID > LAST_KEYED_USER) ids.push(LAST_KEYED_USER + 1n, GREATEST_ID);
        for (const id of ids) {
          expect(await signIn(`${id}`, 1, "a name")).toEqual({ userId: id, tokensFrom: 0 });
          expect(await signIn(`${id}`)).toEqual({ userId: id, tokensFrom: 0 });
          for (const isToGetOne of [false, true]) expect(await users.idOf(`${id}`, isToGetOne)).toBe(id);
        }
      });

      test("[U1] any other key gets an id beyond those of products, its own and for ever", async () => {
        const suffix = `${freshId()}`;
        const odd = [
          "007",
          "0",
          "-1",
          "1.0",
          "1e3",
          " 1",
          "1 ",
          "٣",
          "9223372036854775808",
          "null",
          "'\"\\",
          "\ufeff",
          "a%",
        ];
        const alike = ["ann", "Ann", "ann ", "\u00e9", "e\u0301", "😀".repeat(100)].map((key) => key + suffix);
        const keys = [...odd, ...alike, "\u2028".repeat(128)];
        const ids: bigint[] = [];
        for (const [i, key] of keys.entries()) {
          ids.push(i % 2 ? (await users.idOf(key, true))! : (await signIn(key)).userId);
        }
        expect(ids.filter((id) => !isKeyed(id))).toEqual([]);
        expect(new Set(ids).size).toBe(keys.length);
        const other = await parts.open();
        for (const [i, key] of keys.entries()) {
          expect(await other.idOf(key, false)).toBe(ids[i]);
          expect(await other.idOf(key, true)).toBe(ids[i]);
          expect(await signIn(key, 1, "a name")).toEqual({ userId: ids[i], tokensFrom: 0 });
        }
      });

      test("[U1] several keys at once get theirs, in their order", async () => {
        const [known, strange, another] = [freshKey(), freshKey(), freshKey()];
        const id = await users.idOf(known, true);
        const ids = await users.idsOf([strange, "42", known, another, strange]);
        expect(ids).toEqual([await users.idOf(strange, false), 42n, id, await users.idOf(another, false), ids[0]]);
        expect(new Set(ids).size).toBe(4);
        expect(await users.idsOf([another, strange])).toEqual([ids[3], ids[0]]);
        expect(await users.idsOf([])).toEqual([]);
        const fresh = freshKey();
        await expect(users.idsOf([fresh, "\ud800"])).rejects.toMatchObject({ code: Code.InvalidArgument });
        expect(await users.idOf(fresh, false)).toBeUndefined();
      });

      test("[U1] a key that is only looked for gets none", async () => {
        const key = freshKey();
        for (let i = 0; i < 2; i++) expect(await users.idOf(key, false)).toBeUndefined();
        expect(await users.profiles([], [key])).toEqual([]);
      });

      test("[U1] whoever uses a new key first, all get the same id, and each key another one", async () => {
        const keys = [freshKey(), freshKey(), freshKey()];
        const all = [users, await parts.open()];
        const asked = keys.map((key) => {
          return Promise.all(
            Array.from({ length: 12 }, async (_, i) => {
              const each = all[i % 2]!;
              if (i % 3 === 0) return each.idOf(key, true);
              return (await each.signIn({ key, name: i % 3 === 1 ? "a name" : "", picture: "", issuedAt: i })).userId;
            }),
          );
        });
        const ids = (await Promise.all(asked)).map((answers) => [...new Set(answers)]);
        expect(ids.map(({ length }) => length)).toEqual([1, 1, 1]);
        expect(new Set(ids.flat()).size).toBe(3);
      });

      test("[U1] numbers of the range of keys, and what is no Unicode, are nobody's", async () => {
        const keys = [FIRST_KEYED_USER, LAST_KEYED_USER, FIRST_KEYED_USER + 5n].map((id) => `${id}`);
        for (const key of [...keys, "\ud800"]) {
          await rejects(signIn(key, 1, "a name"), Code.InvalidArgument);
          await rejects(users.idOf(key, true), Code.InvalidArgument);
          expect(await users.idOf(key, false)).toBeUndefined();
          expect(await users.profiles([], [key])).toEqual([]);
        }
      });
    });

    describe("profiles", () => {
      test("[U2] are what the newest token told, in whatever order tokens arrive", async () => {
        const tokens: [number, string, string][] = [
          [1_000, "first", "https://example.com/1"],
          [2_000, "second", ""],
          [3_000, "", "https://example.com/3"],
          [3_000, "third", ""],
          [4_000, "", ""],
        ];
        for (const order of ["01234", "43210", "32041", "24130"]) {
          for (const key of [freshKey(), `${freshId() % FIRST_KEYED_USER}`]) {
            for (const i of order) await signIn(key, ...tokens[Number(i)]!);
            expect(await profileOf(key)).toEqual(["third", ""]);
          }
        }
      });

      test("[U2] change with each newer token, and with no other", async () => {
        const key = freshKey();
        await users.idOf(key, true);
        expect(await profileOf(key)).toEqual(["", ""]);
        for (const [issuedAt, name, expected] of [
          [5_000, "", ""],
          [4_000, "a", "a"],
          [3_000, "b", "a"],
          [4_001, "ä😀", "ä😀"],
          [4_001, "ä😀", "ä😀"],
          [9_000, "", "ä😀"],
          [6_000, "c\ud800", "c\ufffd"],
        ] as const) {
          await signIn(key, issuedAt, name, name && "https://example.com");
          expect(await profileOf(key)).toEqual([expected, expected && "https://example.com"]);
        }
      });

      test("[U2] a token that doesn't count tells nothing", async () => {
        const { userId } = await signIn(freshKey(), 1_000, "before");
        const { key } = (await users.profiles([userId], []))[0]!;
        await users.revokeTokens(userId, 3_000);
        expect(await signIn(key, 2_999, "revoked")).toEqual({ userId, tokensFrom: 3_000 });
        expect(await profileOf(key)).toEqual(["before", ""]);
        expect(await signIn(key, 3_000, "after")).toEqual({ userId, tokensFrom: 3_000 });
        expect(await profileOf(key)).toEqual(["after", ""]);
      });

      test("[U3] services see all who are known, by id and by key, each once, by id", async () => {
        const number = freshId() % FIRST_KEYED_USER;
        const key = freshKey();
        const { userId } = await signIn(key, 1, "Ann", "https://example.com/ann");
        await signIn(`${number}`, 1, "Bob");
        const nameless = (await users.idOf(freshKey(), true))!;
        const profiles = await users.profiles(
          [nameless, userId, number, 7_777_777_777n],
          [key, `${number}`, freshKey(), key],
        );
        expect(profiles).toMatchObject([
          { userId: number, key: `${number}`, name: "Bob", picture: "" },
          { userId, key, name: "Ann", picture: "https://example.com/ann" },
          { userId: nameless, name: "", picture: "" },
        ]);
        expect(await users.profiles([], [])).toEqual([]);
      });

      test("[U3] a number of which only a revocation is known has none", async () => {
        const number = freshId() % FIRST_KEYED_USER;
        await users.revokeTokens(number, 1);
        expect(await users.profiles([number], [`${number}`])).toEqual([]);
      });

      test("[U3] users see those who share a room with them now, and their own", async () => {
        const { store } = parts;
        const named = async (name: string) => (await signIn(freshKey(), 1, name)).userId;
        const [ann, bob, cat, dan] = [await named("Ann"), await named("Bob"), await named("Cat"), await named("Dan")];
        const shared = await newStoredRoom(store, ann, bob);
        await newStoredRoom(store, bob, cat);
        const seenBy = async (userId: bigint) => {
          return (await users.profiles([ann, bob, cat, dan], [], userId)).map(({ name }) => name).toSorted();
        };
        expect(await seenBy(ann)).toEqual(["Ann", "Bob"]);
        expect(await seenBy(bob)).toEqual(["Ann", "Bob", "Cat"]);
        expect(await seenBy(dan)).toEqual(["Dan"]);
        await apply(store, "removeMember", { roomId: shared, userId: ann, actorId: ann });
        expect(await seenBy(ann)).toEqual(["Ann"]);
        expect(await seenBy(bob)).toEqual(["Bob", "Cat"]);
        await apply(store, "addMember", { roomId: shared, userId: ann });
        expect(await seenBy(ann)).toEqual(["Ann", "Bob"]);
        // Who is in many rooms, sees and is seen no less.
        await Promise.all(Array.from({ length: 210 }, () => newStoredRoom(store, bob)));
        expect(await seenBy(bob)).toEqual(["Ann", "Bob", "Cat"]);
        expect(await seenBy(cat)).toEqual(["Bob", "Cat"]);
        expect(await seenBy(dan)).toEqual(["Dan"]);
        await apply(store, "removeMember", { roomId: shared, userId: ann, actorId: ann });
        expect(await seenBy(ann)).toEqual(["Ann"]);
      });
    });

    describe("revocations", () => {
      const since = async (number: bigint): Promise<SignedIn[]> => {
        const all: SignedIn[] = [];
        for (let after = number; ; ) {
          const page = await users.revocations(after);
          all.push(...page.of);
          if (page.isWhole) return all;
          expect(page.number).toBeGreaterThan(after);
          after = page.number;
        }
      };

      test("[U4] the time from which on tokens count only moves forward", async () => {
        for (const key of [freshKey(), `${freshId() % FIRST_KEYED_USER}`]) {
          const { userId, tokensFrom } = await signIn(key);
          expect(tokensFrom).toBe(0);
          for (const [time, expected] of [
            [2_000, 2_000],
            [1_000, 2_000],
            [2_000, 2_000],
            [2_001, 2_001],
          ] as const) {
            await users.revokeTokens(userId, time);
            expect(await signIn(key)).toEqual({ userId, tokensFrom: expected });
          }
        }
      });

      test("[U4] take the next numbers; of several of a user there is the newest", async () => {
        const [ann, bob] = [(await users.idOf(freshKey(), true))!, freshId() % FIRST_KEYED_USER];
        const start = await users.revocations();
        const { epoch } = start;
        expect(start).toEqual({ epoch, number: start.number, of: [], isWhole: true });
        expect(await users.revocations(start.number)).toEqual(start);
        await users.revokeTokens(ann, 1_000);
        await users.revokeTokens(bob, 2_000);
        await users.revokeTokens(bob, 1_000); // no revocation
        await (await parts.open()).revokeTokens(ann, 3_000);
        const of = [
          { userId: bob, tokensFrom: 2_000 },
          { userId: ann, tokensFrom: 3_000 },
        ];
        expect(await users.revocations(start.number)).toEqual({ epoch, number: start.number + 3n, of, isWhole: true });
        expect((await users.revocations(start.number + 2n)).of).toEqual(of.slice(1));
        expect(await users.revocations()).toEqual({ epoch, number: start.number + 3n, of: [], isWhole: true });
      });

      test("[U4] of an id that no key has got is none", async () => {
        const last = (await users.idOf(freshKey(), true))!;
        const { epoch, number } = await users.revocations();
        await users.revokeTokens(LAST_KEYED_USER, 1_000);
        expect(await users.revocations(number)).toEqual({ epoch, number, of: [], isWhole: true });
        expect(await users.idOf(freshKey(), true)).toBeGreaterThan(last);
      });

      test("[U4] none is missing, however many there are", async () => {
        const { number } = await users.revocations();
        const first = freshId() % (FIRST_KEYED_USER - 10_000n);
        const ids = Array.from({ length: 1_200 }, (_, i) => first + BigInt(i));
        await Promise.all(ids.map((id) => users.revokeTokens(id, 1_000)));
        const found = await since(number);
        expect(new Set(found.map(({ userId }) => userId))).toEqual(new Set(ids));
        expect(found).toHaveLength(ids.length);
        expect((await users.revocations()).number).toBe(number + BigInt(ids.length));
      });
    });
  });
}

async function rejects(call: Promise<unknown>, code: Code): Promise<void> {
  const reason = await call.then(() => expect.unreachable("the call succeeded"), ConnectError.from);
  expect(Code[reason.code]).toBe(Code[code]);
}
