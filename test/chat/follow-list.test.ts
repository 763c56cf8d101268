import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StreamEventsReqSchema } from "../../gen/chat_pb.ts";
import type { Caller } from "../../src/chat/caller.ts";
import { type ChatParts, chatService } from "../../src/chat/service.ts";
import { errorOf } from "../support/rooms.ts";

const { streamEvents } = chatService({} as ChatParts);

/** Why a caller who acts for no user is refused a list. */
function refusal(kind: Caller["kind"]) {
  const caller: Caller = { kind, userId: 0n, views: [], name: kind };
  return errorOf(streamEvents.open(caller, create(StreamEventsReqSchema, { followList: true })));
}

test("whoever acts for no user has no list: a view is denied one, and a service has to say whose", async () => {
  expect(await refusal("viewer")).toMatchObject({ code: "PermissionDenied" });
  expect(await refusal("service")).toEqual({ code: "InvalidArgument", message: "user_id: say whose list to follow" });
});
