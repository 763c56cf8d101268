import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Message, type SendMessageReq, SendMessageReqSchema } from "../../gen/chat_pb.ts";
import { SendResultSchema } from "../../gen/room_object/room_object_pb.ts";
import { DATABASE_TIMEOUT_MS } from "../chat/limits.ts";
import type { RoomHost } from "../chat/room-host.ts";

/** An object answers within the time its database may take, plus that of a group of sends before this one. */
const ANSWER_MS = 2 * DATABASE_TIMEOUT_MS;

/** Hands each send to the Durable Object of its room. */
export class ObjectRoomHost implements RoomHost {
  readonly #rooms: Cloudflare.Env["ROOMS"];

  constructor(rooms: Cloudflare.Env["ROOMS"]) {
    this.#rooms = rooms;
  }

  async send(req: SendMessageReq): Promise<Message> {
    const answer = this.#rooms.getByName(`${req.roomId}`).send(toBinary(SendMessageReqSchema, req));
    const { result } = fromBinary(SendResultSchema, await inTime(answer));
    switch (result.case) {
      case "message":
        return result.value;
      case "failure":
        throw new ConnectError(result.value.message, result.value.code);
      case undefined:
        throw unreachable("the room answered in a format of another version");
    }
  }
}

async function inTime(answer: Promise<Uint8Array>): Promise<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("timeout")), ANSWER_MS)));
  try {
    return await Promise.race([answer, late]);
  } catch (e) {
    throw unreachable(e);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(cause: unknown): ConnectError {
  return new ConnectError("the room can't be reached; try again", Code.Unavailable, undefined, undefined, cause);
}
