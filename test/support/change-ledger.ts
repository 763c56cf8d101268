import { create } from "@bufbuild/protobuf";
import { type Room, RoomDeletedSchema } from "../../gen/chat_pb.ts";
import type { News, ReadMark } from "../../gen/room/room_pb.ts";
import { type ChangePlace, comparePlaces } from "../../src/chat/change-place.ts";
import type { Changes, PageSize, PlacedChange } from "../../src/chat/store.ts";
import type { ModelRoom } from "./model.ts";
import { changesAfter, membershipsIn, recordText, textBytes, textOf } from "./room-logs.ts";

/** Which revision each row of a store in memory has, and the log of all rooms that this makes. */
export class ChangeLedger {
  readonly #revisions = new Map<string, bigint>();
  readonly #deleted = new Map<bigint, bigint>();

  note({ roomId, messages, members, room, isDeleted }: News, revision: bigint): void {
    for (const { id } of messages) this.#revisions.set(`${roomId}/message/${id}`, revision);
    for (const { userId } of members) this.#revisions.set(`${roomId}/member/${userId}`, revision);
    if (room) this.#revisions.set(`${roomId}/room`, revision);
    if (isDeleted) this.#deleted.set(roomId, revision);
  }

  noteRecord(roomId: bigint, revision: bigint): void {
    this.#revisions.set(`${roomId}/room`, revision);
  }

  noteRead({ roomId, userId }: ReadMark, revision: bigint): void {
    this.#revisions.set(`${roomId}/member/${userId}`, revision);
  }

  /** What lies after a place, of rooms as they are now. */
  page(
    rooms: Iterable<ModelRoom>,
    toRoom: (room: ModelRoom) => Room,
    after: ChangePlace,
    size: PageSize,
  ): Pick<Changes, "changes" | "isWhole"> {
    const deletions = [...this.#deleted].map(([roomId, revision]): PlacedChange => {
      const change = { case: "roomDeleted", value: create(RoomDeletedSchema, { roomId }) } as const;
      return { place: { revision, roomId, log: "roomDeleted", number: 0n }, change };
    });
    const all = [...[...rooms].flatMap((room) => this.#changesOf(room, toRoom)), ...deletions]
      .filter(({ place }) => comparePlaces(place, after) > 0)
      .sort((a, b) => comparePlaces(a.place, b.place));
    let bytes = 0;
    const changes = all.slice(0, size.changes).filter(({ change }, i) => {
      if (change.case === "message") bytes += textBytes(textOf(change.value));
      if (change.case === "room") bytes += textBytes(recordText(change.value));
      return i === 0 || bytes <= size.bytes;
    });
    return { changes, isWhole: changes.length === all.length };
  }

  #changesOf(room: ModelRoom, toRoom: (room: ModelRoom) => Room): PlacedChange[] {
    const { id: roomId } = room.room;
    const revisionOf = (key: string) => this.#revisions.get(`${roomId}/${key}`) ?? 0n;
    const record: PlacedChange = {
      place: { revision: revisionOf("room"), roomId, log: "room", number: toRoom(room).memberSeq },
      change: { case: "room", value: toRoom(room) },
    };
    const members = changesAfter(membershipsIn(room.members), 0n, ({ userId }) => userId).map((value): PlacedChange => {
      const revision = revisionOf(`member/${value.userId}`);
      const bannedUntil = room.bans.get(value.userId);
      return {
        place: { revision, roomId, log: "member", number: value.memberSeq },
        change: { case: "member", value: { ...value, ...(bannedUntil && { bannedUntil }) } },
      };
    });
    const messages = changesAfter(room.messages, 0n, ({ id }) => id).map((value): PlacedChange => {
      const revision = revisionOf(`message/${value.id}`);
      return { place: { revision, roomId, log: "message", number: value.seq }, change: { case: "message", value } };
    });
    return [record, ...members, ...messages];
  }
}
