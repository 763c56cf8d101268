import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { GetRoomReqSchema, type Member, type Message, Role, type Room, RoomDeletedSchema } from "../../gen/chat_pb.ts";
import { beginningOf, type ChangePlace, comparePlaces } from "../../src/chat/change-place.ts";
import type { ChatStore, PageSize, PlacedChange } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newStoredRoom, readLog } from "../support/stored-rooms.ts";
import { forever, past } from "../support/times.ts";
import type { StoreParts } from "./store.ts";

const ALL: PageSize = { changes: 1_000, bytes: ANY_BYTES };

/** Reads from a place to the end, by pages of a size; `between` may happen after each page. */
export async function readChanges(
  store: ChatStore,
  after: ChangePlace,
  size: PageSize = ALL,
  between = async () => {},
): Promise<PlacedChange[]> {
  const changes: PlacedChange[] = [];
  for (let place = after; ; ) {
    const page = await store.changes(place, size);
    expect(page.changes.length).toBeLessThanOrEqual(size.changes);
    for (const each of page.changes) {
      expect(comparePlaces(place, each.place)).toBeLessThan(0);
      expect(each.place.revision).toBeLessThanOrEqual(page.revision);
      place = each.place;
    }
    changes.push(...page.changes);
    if (page.isWhole) return changes;
    expect(page.changes).not.toEqual([]);
    await between();
  }
}

/** Where the log of all rooms ends. */
export async function endOf(store: ChatStore): Promise<ChangePlace> {
  const { revision } = await store.changes(beginningOf(2n ** 63n - 1n), ALL);
  return beginningOf(revision + 1n);
}

/** What a change is of. */
function subjectOf({ change }: PlacedChange): string {
  if (change.case === "message") return `message ${change.value.id}`;
  if (change.case === "member") return `member ${change.value.roomId} ${change.value.userId}`;
  return change.case === "room" ? `room ${change.value.id}` : `deletion ${change.value.roomId}`;
}

/** What changes leave, put down one after the other: the latest state of everything. */
function stateOf(changes: readonly PlacedChange[]): Map<string, unknown> {
  const state = new Map<string, unknown>();
  for (const each of changes) {
    if (each.change.case === "roomDeleted") {
      const gone = changes.filter(({ place }) => place.roomId === each.place.roomId).map(subjectOf);
      expect(gone.at(-1), "it is the last of its room").toBe(subjectOf(each));
      for (const subject of gone) state.delete(subject);
    }
    state.set(subjectOf(each), each.change.case === "member" ? withoutBan(each.change.value) : each.change.value);
  }
  return state;
}

/** As a room's own log tells it. */
function withoutBan({ bannedUntil: _, ...member }: Member): Omit<Member, "bannedUntil"> {
  return member;
}

/** What the tables have of rooms. */
async function tablesOf(
  store: ChatStore,
  roomIds: readonly bigint[],
  deleted: readonly bigint[],
): Promise<Map<string, unknown>> {
  const state = new Map<string, unknown>();
  for (const roomId of roomIds) {
    if (deleted.includes(roomId)) {
      state.set(`deletion ${roomId}`, create(RoomDeletedSchema, { roomId }));
      continue;
    }
    const room = await store.getRoom(create(GetRoomReqSchema, { room: { case: "roomId", value: roomId } }), "right");
    state.set(`room ${roomId}`, room);
    const { news } = await readLog(store, roomId);
    for (const member of news.members) state.set(`member ${roomId} ${member.userId}`, member);
    for (const message of news.messages) state.set(`message ${message.id}`, message);
  }
  return state;
}

/** How many members a record shows, and when it last changed, other changes tell, too, and it isn't told anew for them. */
function withoutCount(state: Map<string, unknown>): Map<string, unknown> {
  const shown = ([key, value]: [string, unknown]): [string, unknown] => {
    return [key, key.startsWith("room") ? { ...(value as Room), memberCount: 0, updatedAt: undefined } : value];
  };
  return new Map([...state].map(shown));
}

/** The rules of ChatStore for the log of all rooms. */
export function changeLogContract(parts: () => StoreParts): void {
  describe("the log of all rooms", () => {
    let store: ChatStore;
    let lastUser = GREAT_ID + 90_000n;
    beforeAll(() => {
      store = parts().store;
    });
    const freshUser = () => ++lastUser;

    test("[S17] has each message, membership and record once, in its latest state", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const before = await endOf(store);
      const roomId = await newStoredRoom(store, ann, bob);
      const first = await apply(store, "sendMessage", { roomId, userId: ann, body: "first" });
      const second = await apply(store, "sendMessage", { roomId, userId: ann, body: "second" });
      const edited = await apply(store, "editMessage", { roomId, userId: ann, messageId: first.id, body: "1st" });
      const moved = await apply(store, "markRead", { roomId, userId: bob, messageId: second.id });
      const changes = await readChanges(store, before);
      expect(changes.map(({ change }) => change.case)).toEqual(["room", "member", "message", "message", "member"]);
      expect(changes.slice(2).map(({ change }) => change.value)).toEqual([second, edited, moved]);
      expect(await readChanges(store, changes[2]!.place)).toEqual(changes.slice(3));
      expect(await readChanges(store, await endOf(store))).toEqual([]);
      const left = await apply(store, "removeMember", { roomId, userId: bob, actorId: ann });
      const rest = await readChanges(store, changes.at(-1)!.place);
      expect(rest.map(({ change }) => change.value)).toContainEqual(left);
    });

    test("[S17] a page ends within a revision, by its changes or its bytes, and the next goes on there", async () => {
      const ann = freshUser();
      const roomId = await newStoredRoom(store, ann);
      const before = await endOf(store);
      const body = "ü".repeat(50);
      await store.commit(Array.from({ length: 30 }, () => change("sendMessage", { roomId, userId: ann, body })));
      const whole = await readChanges(store, before);
      expect(whole).toHaveLength(30);
      expect(new Set(whole.map(({ place }) => place.revision)).size).toBe(1);
      for (const size of [
        { changes: 7, bytes: ANY_BYTES },
        { changes: 1_000, bytes: 250 },
        { changes: 1_000, bytes: 1 },
        { changes: 2, bytes: 250 },
      ]) {
        const { changes } = await store.changes(before, size);
        expect(changes).toHaveLength(Math.min(size.changes, Math.max(1, Math.floor(size.bytes / 100))));
        expect(await readChanges(store, before, size)).toEqual(whole);
      }
    });

    test("[S17] has a record with all that it shows, at the place of its latest change", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const before = await endOf(store);
      const record = { name: "orders", data: { a: [1, null] }, slowModeSeconds: 5, frozenUntil: forever };
      await apply(store, "updateRoom", { roomId, actorId: ann, ...record });
      const [told, ...others] = await readChanges(store, before);
      expect(others).toEqual([]);
      const room = await store.getRoom(create(GetRoomReqSchema, { room: { case: "roomId", value: roomId } }), "right");
      expect(room).toMatchObject({ ...record, memberCount: 2, ownerId: ann });
      expect(told!.change).toEqual({ case: "room", value: room });
      expect(told!.place).toMatchObject({ roomId, log: "room", number: room.memberSeq });
    });

    test("[S14] [S17] tells until when a user is banned, and that the ban is lifted", async () => {
      const [ann, bob] = [freshUser(), freshUser()];
      const roomId = await newStoredRoom(store, ann, bob);
      const ban = { roomId, userId: bob, actorId: ann };
      for (const bannedUntil of [forever, undefined]) {
        const before = await endOf(store);
        await apply(store, "setBan", { ...ban, ...(bannedUntil && { bannedUntil }) });
        const [told] = await readChanges(store, before);
        expect(told!.change).toMatchObject({ case: "member", value: { userId: bob } });
        expect((told!.change.value as Member).bannedUntil).toEqual(bannedUntil);
      }
    });

    test("[S17] has a deletion of a room once, and nothing of the room from then on", async () => {
      const ann = freshUser();
      const roomId = await newStoredRoom(store, ann, freshUser());
      await apply(store, "sendMessage", { roomId, userId: ann, body: "soon gone" });
      const before = await endOf(store);
      const deletion = { case: "roomDeleted", value: create(RoomDeletedSchema, { roomId }) };
      await apply(store, "deleteRoom", { roomId, actorId: ann });
      const told = await readChanges(store, before);
      expect(told.map(({ change }) => change)).toEqual([deletion]);
      expect(told[0]!.place).toMatchObject({ roomId, log: "roomDeleted", number: 0n });
      await apply(store, "deleteRoom", { roomId, actorId: ann });
      while ((await apply(store, "eraseRoom", { roomId })).hasMore);
      expect(await readChanges(store, told[0]!.place)).toEqual([]);
      const anew = await readChanges(store, beginningOf(0n));
      const ofRoom = anew.filter(({ place }) => place.roomId === roomId);
      expect(ofRoom.map(({ change }) => change)).toEqual([deletion]);
    });

    const step = fc.record({
      kind: fc.constantFrom(
        ...(["send", "send", "send", "sends", "sends", "edit", "edit", "delete", "add", "add", "remove"] as const),
        ...(["read", "role", "open", "open", "rename", "rename", "react", "pin", "ban", "deleteRoom"] as const),
      ),
      room: fc.nat(2),
      user: fc.nat(3),
      nth: fc.nat(20),
    });

    test("[S17] read in pages of any size while two processes write, it ends with what the tables have", async () => {
      const other = await parts().open();
      const size = fc.record({ changes: fc.integer({ min: 2, max: 9 }), bytes: fc.constantFrom(20, ANY_BYTES) });
      const steps = fc.array(step, { minLength: 5, maxLength: 25 });
      const seen = new Set<string>();
      await fc.assert(
        fc.asyncProperty(size, steps, steps, async (size, earlier, meanwhile) => {
          const users = Array.from({ length: 4 }, freshUser);
          const before = await endOf(store);
          const rooms = [await newStoredRoom(store, users[0]!, users[1]!)];
          const messages: Message[] = [];
          const deleted: bigint[] = [];
          const run = async (store: ChatStore, { kind, room, user, nth }: (typeof earlier)[number]) => {
            const [roomId, userId] = [rooms[room % rooms.length]!, users[user]!];
            if (kind === "open") {
              if (rooms.length < 3) rooms.push(await newStoredRoom(store, userId, users[(user + 1) % 4]!));
              return;
            }
            const message = messages[nth % messages.length];
            const messageId = message?.id ?? 0n;
            const sends = Array.from({ length: kind === "sends" ? 5 : 1 }, (_, i) => {
              return change("sendMessage", { roomId, userId, body: `${kind} ${nth} ${i}` });
            });
            const frozenUntil = nth % 5 === 0 ? forever : past;
            const record = { name: `name ${nth}`, frozenUntil, ...(nth % 3 === 0 && { data: { nth } }) };
            const asAuthor = message && { roomId: message.roomId, userId: message.userId, messageId };
            const changes = {
              send: sends,
              sends,
              edit: asAuthor ? [change("editMessage", { ...asAuthor, body: `edit ${nth}` })] : [],
              delete: asAuthor ? [change("deleteMessage", asAuthor)] : [],
              add: [change("addMember", { roomId, userId })],
              remove: [change("removeMember", { roomId, userId, actorId: userId })],
              read: message ? [change("markRead", { roomId: message.roomId, userId, messageId })] : [],
              role: [change("setRole", { roomId, userId, role: nth % 2 ? Role.MODERATOR : Role.MEMBER })],
              rename: [change("updateRoom", { roomId, ...record })],
              react: asAuthor ? [change("setReaction", { ...asAuthor, userId, emoji: "👍", on: nth % 3 > 0 })] : [],
              pin: asAuthor ? [change("setPin", { roomId: message.roomId, messageId, on: nth % 3 > 0 })] : [],
              ban: [change("setBan", { roomId, userId, bannedUntil: nth % 3 > 0 ? forever : past })],
              deleteRoom: nth % 2 ? [change("deleteRoom", { roomId }), change("eraseRoom", { roomId })] : [],
            }[kind];
            const { news } = await store.commit(changes);
            if (news.length > 0) seen.add(kind);
            deleted.push(...news.filter(({ isDeleted }) => isDeleted).map(({ roomId }) => roomId));
            messages.push(...news.flatMap(({ messages }) => messages));
          };
          for (const [i, each] of earlier.entries()) await run(i % 2 ? store : other, each);
          const rest = [...meanwhile];
          const isOurs = ({ place }: PlacedChange) => rooms.includes(place.roomId);
          const read = await readChanges(store, before, size, async () => {
            await Promise.all(rest.splice(0, 2).map((each, i) => run(i % 2 ? store : other, each)));
          });
          for (const each of rest) await run(other, each);
          read.push(...(await readChanges(store, read.at(-1)?.place ?? before, size)));
          const tables = await tablesOf(store, rooms, deleted);
          const ordered = (state: Map<string, unknown>) => [...state].sort(([a], [b]) => (a < b ? -1 : 1));
          const told = stateOf(read.filter(isOurs));
          expect(ordered(withoutCount(told))).toEqual(ordered(withoutCount(tables)));
          const anew = (await readChanges(store, before, size)).filter(isOurs);
          expect(ordered(stateOf(anew))).toEqual(ordered(tables));
          expect(new Set(anew.map(subjectOf)).size).toBe(anew.length);
          for (const roomId of rooms) {
            const seqs = anew.flatMap(({ change }) => {
              return change.case === "message" && change.value.roomId === roomId ? [change.value.seq] : [];
            });
            expect(seqs).toEqual(seqs.toSorted((a, b) => Number(a - b)));
          }
        }),
        { numRuns: 30 },
      );
      for (const kind of ["rename", "react", "pin", "ban", "deleteRoom"]) expect(seen).toContain(kind);
    });
  });
}
