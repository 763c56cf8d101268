import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { GetRoomReqSchema, type Message, Role } from "../../gen/chat_pb.ts";
import { beginningOf, type ChangePlace, comparePlaces } from "../../src/chat/change-place.ts";
import type { ChatStore, PageSize, PlacedChange } from "../../src/chat/store.ts";
import { apply, change } from "../support/changes.ts";
import { GREAT_ID } from "../support/greatest-id.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newStoredRoom, readLog } from "../support/stored-rooms.ts";
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

/** What changes leave, put down one after the other: the latest state of everything. */
function stateOf(changes: readonly PlacedChange[]): Map<string, unknown> {
  const state = new Map<string, unknown>();
  for (const { change } of changes) {
    if (change.case === "message") state.set(`message ${change.value.id}`, change.value);
    if (change.case === "member") state.set(`member ${change.value.roomId} ${change.value.userId}`, change.value);
    if (change.case === "room") state.set(`room ${change.value.id}`, change.value);
  }
  return state;
}

/** What the tables have of rooms. */
async function tablesOf(store: ChatStore, roomIds: readonly bigint[]): Promise<Map<string, unknown>> {
  const state = new Map<string, unknown>();
  for (const roomId of roomIds) {
    const room = await store.getRoom(create(GetRoomReqSchema, { room: { case: "roomId", value: roomId } }), "right");
    state.set(`room ${roomId}`, room);
    const { news } = await readLog(store, roomId);
    for (const member of news.members) state.set(`member ${roomId} ${member.userId}`, member);
    for (const message of news.messages) state.set(`message ${message.id}`, message);
  }
  return state;
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

    test("[S20] has each message, membership and record once, in its latest state", async () => {
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

    test("[S20] a page ends within a revision, by its changes or its bytes, and the next goes on there", async () => {
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

    const step = fc.record({
      kind: fc.constantFrom("send", "send", "sends", "edit", "delete", "add", "remove", "read", "role", "open"),
      room: fc.nat(2),
      user: fc.nat(3),
      nth: fc.nat(20),
    });

    test("[S20] read in pages of any size while two processes write, it ends with what the tables have", async () => {
      const other = await parts().open();
      const size = fc.record({ changes: fc.integer({ min: 2, max: 9 }), bytes: fc.constantFrom(20, ANY_BYTES) });
      const steps = fc.array(step, { minLength: 5, maxLength: 25 });
      await fc.assert(
        fc.asyncProperty(size, steps, steps, async (size, earlier, meanwhile) => {
          const users = Array.from({ length: 4 }, freshUser);
          const before = await endOf(store);
          const rooms = [await newStoredRoom(store, users[0]!, users[1]!)];
          const messages: Message[] = [];
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
            }[kind];
            const { news } = await store.commit(changes);
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
          const tables = await tablesOf(store, rooms);
          // Of what a record shows, the members and the owner are told by events of the members.
          const shown = (state: Map<string, unknown>) =>
            [...state].filter(([key]) => !key.startsWith("room")).sort(([a], [b]) => (a < b ? -1 : 1));
          expect(shown(stateOf(read.filter(isOurs)))).toEqual(shown(tables));
          expect([...stateOf(read.filter(isOurs)).keys()].toSorted()).toEqual([...tables.keys()].toSorted());
          for (const roomId of rooms) {
            const seqs = (await readChanges(store, before, size)).flatMap(({ change }) => {
              return change.case === "message" && change.value.roomId === roomId ? [change.value.seq] : [];
            });
            expect(seqs).toEqual(seqs.toSorted((a, b) => Number(a - b)));
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}
