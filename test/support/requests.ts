import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import {
  AddMemberReqSchema,
  CreateRoomReqSchema,
  type Message,
  type SendMessageReq,
  SendMessageReqSchema,
} from "../../gen/chat_pb.ts";
import type { Outcome } from "./send-store.ts";

export function sendReq(roomId: bigint, userId: bigint, body: string, clientMessageId = ""): SendMessageReq {
  return create(SendMessageReqSchema, { roomId, userId, body, clientMessageId });
}

export function createReq(postId: bigint, userId: bigint) {
  return create(CreateRoomReqSchema, { postId, userId });
}

export function memberReq(roomId: bigint, userId: bigint) {
  return create(AddMemberReqSchema, { roomId, userId });
}

/** The messages of outcomes that all have one. */
export function messagesOf(outcomes: readonly Outcome[]): Message[] {
  return outcomes.map((outcome) => {
    if (outcome instanceof ConnectError) throw outcome;
    return outcome.message;
  });
}
