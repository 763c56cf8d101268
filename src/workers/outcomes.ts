import { create } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Failure, FailureSchema, type Outcome, OutcomeSchema } from "../../gen/room/room_pb.ts";
import type { Answers, Commit } from "../chat/store.ts";

type Answer = Answers[keyof Answers];

/** What became of a change, for the way between objects. */
export function toOutcome(result: Commit["outcomes"][number]): Outcome {
  return create(OutcomeSchema, { outcome: toCase(result) });
}

/** What a change got on the other side. */
export function fromOutcome({ outcome }: Outcome): Answer | ConnectError {
  if (outcome.case === undefined) return ofAnotherVersion();
  if (outcome.case === "failure") return toError(outcome.value);
  return outcome.value;
}

function toFailure({ code, rawMessage: message, details }: ConnectError): Failure {
  const packed = details.map((detail) => {
    if ("desc" in detail) return anyPack(detail.desc, create(detail.desc, detail.value));
    return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value });
  });
  return create(FailureSchema, { code, message, details: packed });
}

function toError({ code, message, details }: Failure): ConnectError {
  const error = new ConnectError(message, code);
  error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/.*\//, ""), value }));
  return error;
}

/** Something came that this version doesn't know, as it may during a rollout. */
export function ofAnotherVersion(): ConnectError {
  return new ConnectError("the room runs another version; try again", Code.Unavailable);
}

function toCase(result: Answer | ConnectError): Outcome["outcome"] {
  if (result instanceof ConnectError) return { case: "failure", value: toFailure(result) };
  switch (result.$typeName) {
    case "chat_grpc.Message":
      return { case: "message", value: result };
    case "chat_grpc.Member":
      return { case: "member", value: result };
    case "chat_grpc.Room":
      return { case: "room", value: result };
    case "chat_grpc.AddMembersRes":
      return { case: "added", value: result };
    case "chat_grpc.DeleteRoomRes":
      return { case: "deleted", value: result };
    case "room.Erased":
      return { case: "erased", value: result };
  }
}
