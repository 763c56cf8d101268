import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Arrival, PRESENCE_LEASE_MS, PRESENT_USERS, type PresenceStore } from "../../src/chat/presence.ts";
import { freshId } from "../support/fresh-id.ts";

export interface PresenceParts extends AsyncDisposable {
  readonly presence: PresenceStore;
  /** The time of a process is over just now. */
  end(process: bigint): Promise<void>;
  /** A room with some members, the number of whose changes is known. */
  room(members: number): Promise<{ roomId: bigint; memberSeq: bigint; users: readonly bigint[] }>;
}

/** The rules of PresenceStore in src/chat/presence.ts, for anything that implements it. */
export function presenceStoreContract(name: string, createParts: () => Promise<PresenceParts>): void {
  describe(`${name} keeps who is here`, () => {
    let parts: PresenceParts;
    let presence: PresenceStore;
    beforeAll(async () => {
      parts = await createParts();
      presence = parts.presence;
    });
    afterAll(() => parts?.[Symbol.asyncDispose]());

    const here = async (roomId: bigint) => (await presence.here([roomId]))[0]!;
    const freshProcess = () => ({ id: freshId() % 2n ** 40n, isNew: true });
    const old = ({ id }: { id: bigint }) => ({ id, isNew: false });
    const of = (roomId: bigint, userId: bigint, cameAt = 1): Arrival => ({ roomId, userId, cameAt });
    const seenAt = async (roomId: bigint, userId: bigint) => {
      const { users } = await presence.list(roomId, [userId]);
      return users[0]?.lastSeenAt && timestampMs(users[0].lastSeenAt);
    };

    test("[N2] a user is here once, in whichever processes, since the first of them", async () => {
      const { roomId, memberSeq, users } = await parts.room(3);
      const [a, b, c] = users as [bigint, bigint, bigint];
      const [one, two] = [freshProcess(), freshProcess()];
      expect(await here(roomId)).toEqual({ roomId, memberSeq, userIds: [], count: 0 });
      expect(await presence.put(one, [of(roomId, b, 2), of(roomId, a, 3)], [])).toBe(true);
      expect(await presence.put(two, [of(roomId, a, 1), of(roomId, c, 4)], [])).toBe(true);
      expect(await here(roomId)).toEqual({ roomId, memberSeq, userIds: [a, b, c], count: 3 });
      await presence.put(old(two), [], [of(roomId, a)]);
      expect((await here(roomId)).userIds).toEqual([b, a, c]);
      await presence.put(old(one), [], [of(roomId, a), of(roomId, b)]);
      expect(await here(roomId)).toMatchObject({ userIds: [c], count: 1 });
    });

    test("[N6] the first are told, and all counted; of a room that doesn't exist, nothing", async () => {
      const { roomId } = await parts.room(1);
      const many = Array.from({ length: 250 }, (_, i) => of(roomId, BigInt(1_000 - i), i));
      await presence.put(freshProcess(), many, []);
      const { userIds, count } = await here(roomId);
      expect(count).toBe(250);
      expect(userIds).toEqual(many.slice(0, PRESENT_USERS).map(({ userId }) => userId));
      const nowhere = freshId();
      await presence.put(freshProcess(), [of(nowhere, 1n)], []);
      expect(await presence.here([nowhere])).toEqual([]);
    });

    test("[N5][N6] a process whose time is over doesn't count, and isn't known any more", async () => {
      const { roomId, users } = await parts.room(2);
      const [one, two] = [freshProcess(), freshProcess()];
      await presence.put(one, [of(roomId, users[0]!)], []);
      await presence.put(two, [of(roomId, users[1]!)], []);
      await parts.end(one.id);
      expect((await here(roomId)).userIds).toEqual([users[1]]);
      expect(await presence.put(old(one), [of(roomId, users[0]!)], [])).toBe(false);
      expect((await here(roomId)).userIds).toEqual([users[1]]);
      const reborn = freshProcess();
      expect(await presence.put(reborn, [of(roomId, users[0]!)], [])).toBe(true);
      expect((await here(roomId)).count).toBe(2);
      await presence.sweep();
      expect((await here(roomId)).count).toBe(2);
      expect(await presence.put(old(one), [], [])).toBe(false);
      expect(await presence.put(old(reborn), [], [])).toBe(true);
      expect(await presence.put(old(freshProcess()), [of(roomId, users[0]!)], [])).toBe(false);
    });

    test("[N5] a process that isn't known changes nothing, be it over or never heard of", async () => {
      const { roomId, users } = await parts.room(3);
      const [a, b, c] = users as [bigint, bigint, bigint];
      const { roomId: quiet } = await parts.room(1);
      const [alive, over] = [freshProcess(), freshProcess()];
      const { revision: first } = await presence.changed(undefined);
      await presence.put(alive, [of(roomId, a)], []);
      await presence.put(over, [of(roomId, b)], []);
      await parts.end(over.id);
      const before = await here(roomId);
      const { revision } = await presence.changed(undefined);
      for (const unknown of [old(over), old(freshProcess())]) {
        expect(await presence.put(unknown, [of(roomId, c)], [of(roomId, a), of(roomId, b), of(quiet, a)])).toBe(false);
      }
      expect(await here(roomId)).toEqual(before);
      expect(await presence.changed(revision)).toMatchObject({ revision, roomIds: [] });
      expect((await presence.changed(first)).roomIds).toEqual([roomId]);
      for (const user of users) expect(await seenAt(roomId, user)).toBeUndefined();
      // What it has left is still there to be swept.
      while ((await presence.changed(undefined)).gone.includes(over.id)) await presence.sweep();
      expect(await seenAt(roomId, b)).toBeDefined();
    });

    test("[N7] every change is told, and that a process is gone, by itself and then as a change", async () => {
      const [first, second] = [await parts.room(1), await parts.room(1)];
      const process = freshProcess();
      const { revision, roomIds } = await presence.changed(undefined);
      expect(roomIds).toBeUndefined();
      await presence.put(process, [of(first.roomId, 1n)], []);
      const come = await presence.changed(revision);
      expect(come.roomIds).toEqual([first.roomId]);
      expect(come.revision).toBeGreaterThan(revision);
      await presence.put(old(process), [of(second.roomId, 1n)], [of(first.roomId, 1n)]);
      const gone = await presence.changed(come.revision);
      expect(new Set(gone.roomIds)).toEqual(new Set([first.roomId, second.roomId]));
      expect(await presence.changed(gone.revision)).toMatchObject({ revision: gone.revision, roomIds: [] });
      await presence.put(old(process), [], []);
      expect(await presence.changed(gone.revision)).toMatchObject({ revision: gone.revision, roomIds: [] });

      await parts.end(process.id);
      expect((await presence.changed(gone.revision)).gone).toContain(process.id);
      for (let left = true; left; left = (await presence.changed(gone.revision)).gone.includes(process.id)) {
        await presence.sweep();
      }
      expect((await presence.changed(gone.revision)).roomIds).toEqual([second.roomId]);
    });

    test("[N8] who has gone was seen last then; who is here, or not a member, was not", async () => {
      const { roomId, users } = await parts.room(3);
      const [a, b, c] = users as [bigint, bigint, bigint];
      const [one, two] = [freshProcess(), freshProcess()];
      await presence.put(one, [of(roomId, a), of(roomId, b)], []);
      await presence.put(two, [of(roomId, a)], []);
      const went = Date.now();
      await presence.put(old(one), [], [of(roomId, a), of(roomId, b)]);
      expectBetween(went, await seenAt(roomId, b), Date.now());
      const stranger = freshId();
      const { users: known, count } = await presence.list(roomId, [a, b, c, stranger]);
      expect(count).toBe(1);
      expect(known).toMatchObject([
        { userId: a, isHere: true },
        { userId: b, isHere: false, lastSeenAt: { seconds: expect.any(BigInt) } },
        { userId: c, isHere: false },
      ]);
      expect([known[0]!.lastSeenAt, known[2]!.lastSeenAt]).toEqual([undefined, undefined]);
      expect((await presence.list(roomId, [])).users).toMatchObject([{ userId: a, isHere: true }]);
      const over = Date.now();
      await parts.end(two.id);
      const heardAt = [over, Date.now()].map((ms) => ms - PRESENCE_LEASE_MS) as [number, number];
      expect((await presence.list(roomId, [])).users).toEqual([]);
      while ((await presence.changed(undefined)).gone.includes(two.id)) await presence.sweep();
      expectBetween(heardAt[0], await seenAt(roomId, a), heardAt[1]);
      expect(await seenAt(roomId, c)).toBeUndefined();
    });
  });
}

/** The database's clock is that of this machine, but for how it is rounded. */
function expectBetween(from: number, is: number | undefined, to: number): void {
  expect(is).toBeGreaterThanOrEqual(from - 5);
  expect(is).toBeLessThanOrEqual(to + 5);
}
