import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  AddMemberReqSchema,
  AddMembersReqSchema,
  DeleteMessageReqSchema,
  DeleteRoomReqSchema,
  EditMessageReqSchema,
  MarkReadReqSchema,
  RemoveMemberReqSchema,
  SendMessageReqSchema,
  SetBanReqSchema,
  SetMuteReqSchema,
  SetPinReqSchema,
  SetReactionReqSchema,
  SetRoleReqSchema,
  TransferOwnershipReqSchema,
  UpdateRoomReqSchema,
} from "../../gen/chat_pb.ts";
import { EraseRoomSchema } from "../../gen/room/room_pb.ts";
import type { Answers, ChatStore, Commit, RoomChange } from "../../src/chat/store.ts";

const schemas = {
  sendMessage: SendMessageReqSchema,
  editMessage: EditMessageReqSchema,
  deleteMessage: DeleteMessageReqSchema,
  updateRoom: UpdateRoomReqSchema,
  deleteRoom: DeleteRoomReqSchema,
  eraseRoom: EraseRoomSchema,
  addMembers: AddMembersReqSchema,
  addMember: AddMemberReqSchema,
  removeMember: RemoveMemberReqSchema,
  transferOwnership: TransferOwnershipReqSchema,
  setRole: SetRoleReqSchema,
  setMute: SetMuteReqSchema,
  setBan: SetBanReqSchema,
  markRead: MarkReadReqSchema,
  setReaction: SetReactionReqSchema,
  setPin: SetPinReqSchema,
};
type Case = keyof typeof schemas;

export function change<C extends Case>(name: C, value: MessageInitShape<(typeof schemas)[C]>): RoomChange {
  return { case: name, value: create(schemas[name], value as never) } as RoomChange;
}

/** Commits one change, and gives its answer or throws its refusal. */
export async function apply<C extends Case>(
  store: ChatStore,
  name: C,
  value: MessageInitShape<(typeof schemas)[C]>,
): Promise<Answers[C]> {
  const { outcomes } = await store.commit([change(name, value)]);
  if (outcomes[0] instanceof ConnectError) throw outcomes[0];
  return outcomes[0] as Answers[C];
}

/** The codes of what was refused; what was not is "ok". */
export function codes({ outcomes }: Commit): string[] {
  return outcomes.map((outcome) => (outcome instanceof ConnectError ? Code[outcome.code] : "ok"));
}
