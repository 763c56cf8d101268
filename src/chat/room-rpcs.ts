import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AddMembersReq,
  AddMembersReqSchema,
  type CreateRoomReq,
  type DeleteRoomReq,
  type EnsureRoomReq,
  EnsureRoomResSchema,
  GetRoomReqSchema,
  type GetRoomsReq,
  type UpdateRoomReq,
} from "../../gen/chat_pb.ts";
import type { Caller, ViewedRoom } from "./caller.ts";
import { eraseRoom } from "./erasure.ts";
import { isBackend, reading } from "./reading.ts";
import type { RoomHost } from "./room-host.ts";
import { keyOfPost } from "./room-key.ts";
import type { ChatStore } from "./store.ts";
import { requireData } from "./struct-data.ts";
import { requireText } from "./text.ts";

/** Rooms that one call of GetRooms may name. */
const MAX_ROOMS = 100;

/** The RPCs of rooms: they open them, let users in, change and delete them, and get several at a time. */
export function roomRpcs({ store, rooms }: { readonly store: ChatStore; readonly rooms: RoomHost }) {
  const addMembers = (value: AddMembersReq) => rooms.apply({ case: "addMembers", value });

  return {
    createChatRoom: (caller: Caller, req: CreateRoomReq) => {
      return store.createRoom(req, isBackend(caller) ? "right" : "member");
    },

    /** The room is opened first. Then the members come in as the room's other changes do, so that its readers are told. */
    async ensureRoom(_: Caller, { room: named, userId, memberIds, name, data }: EnsureRoomReq) {
      const key = named.case === "postId" ? keyOfPost(named.value) : named.value!;
      requireText(key, name);
      requireData("data", data);
      const userIds = [...new Set(userId > 0n ? [userId, ...memberIds] : memberIds)];
      const { room, isNew, members } = await store.ensureRoom({ key, userId, name, data }, userIds);
      const missing = userIds.filter((id) => !members.some((member) => member.userId === id));
      if (missing.length === 0) return create(EnsureRoomResSchema, { room, isNew, members: [...members] });
      const addition = create(AddMembersReqSchema, { roomId: room.id, actorId: userId, userIds: missing });
      const added = await addMembers(addition);
      return create(EnsureRoomResSchema, {
        room: await store.getRoom(create(GetRoomReqSchema, { room: { case: "roomId", value: room.id } }), "right"),
        isNew,
        members: [...members, ...added.members],
        notAdded: added.notAdded,
      });
    },

    async updateRoom(_: Caller, value: UpdateRoomReq) {
      requireText(value.name ?? "");
      requireData("data", value.data);
      return rooms.apply({ case: "updateRoom", value });
    },

    async deleteRoom(_: Caller, value: DeleteRoomReq) {
      const deleted = await rooms.apply({ case: "deleteRoom", value });
      await eraseRoom(rooms, value.roomId);
      return deleted;
    },

    async getRooms(caller: Caller, req: GetRoomsReq) {
      if (req.roomIds.length + req.keys.length > MAX_ROOMS) {
        throw new ConnectError(`ask for at most ${MAX_ROOMS} rooms at a time`, Code.InvalidArgument);
      }
      const byRight = (room: Partial<ViewedRoom>) => reading(caller, req, room) === "right";
      const ids = Map.groupBy(req.roomIds, (id) => byRight({ id }));
      const keys = Map.groupBy(req.keys, (key) => byRight({ key }));
      const names = (isByRight: boolean) => ({ ids: ids.get(isByRight) ?? [], keys: keys.get(isByRight) ?? [] });
      return store.getRooms(req.userId, names(false), names(true));
    },

    addMembers: (_: Caller, value: AddMembersReq) => addMembers(value),
  };
}
