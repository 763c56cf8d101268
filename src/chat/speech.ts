import { Code, ConnectError } from "@connectrpc/connect";
import { type EditMessageReq, MessageKind, type SendMessageReq } from "../../gen/chat_pb.ts";
import type { Caller } from "./caller.ts";
import { requireData } from "./struct-data.ts";
import { requireText } from "./text.ts";

/** Refuses what the shape of a send can't say: who may say what in whose name, texts and data that can't be kept. */
export function requireSend({ kind }: Caller, req: SendMessageReq): void {
  const isSystem = req.kind === MessageKind.SYSTEM;
  if (isSystem && kind === "user") {
    const message = "kind: system messages are sent by services; leave it out, or send it from your backend";
    throw new ConnectError(message, Code.PermissionDenied);
  }
  if (!isSystem && req.userId === 0n) {
    const message = "user_id: say which user calls, there or by key in the header roomlog-user";
    throw new ConnectError(message, Code.InvalidArgument);
  }
  requireText(req.body, req.clientMessageId);
  requireData("data", req.data);
}

/** Likewise of an edit. */
export function requireEdit(req: EditMessageReq): void {
  requireText(req.body, req.clientEditId);
  requireData("data", req.data);
}
