import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Typing, TypingSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, OutcomeSchema } from "../../gen/room/room_pb.ts";
import { inTime } from "../chat/in-time.ts";
import type { Limits } from "../chat/limits.ts";
import type { RoomHost } from "../chat/room-host.ts";
import type { Answers, RoomChange } from "../chat/store.ts";

/** Hands each change to the Durable Object of its room. */
export class ObjectRoomHost implements RoomHost {
  readonly #rooms: Cloudflare.Env["ROOMS"];

  /** An object answers within the time its database may take, plus that of a group of changes before this one. */
  readonly #answerMs: number;

  constructor(rooms: Cloudflare.Env["ROOMS"], { databaseMs }: Limits) {
    this.#rooms = rooms;
    this.#answerMs = 2 * databaseMs;
  }

  async apply<C extends RoomChange["case"]>(change: Extract<RoomChange, { case: C }>): Promise<Answers[C]> {
    const request = toBinary(ChangeSchema, create(ChangeSchema, { change }));
    const answer = await this.#reach(this.#rooms.getByName(`${change.value.roomId}`).apply(request));
    const { outcome } = fromBinary(OutcomeSchema, answer);
    if (outcome.case === undefined) throw unreachable("the room answered in the format of another version");
    if (outcome.case === "failure") throw new ConnectError(outcome.value.message, outcome.value.code);
    return outcome.value as Answers[C];
  }

  async type(typing: Typing, memberSeq: bigint): Promise<void> {
    const room = this.#rooms.getByName(`${typing.roomId}`);
    await this.#reach(room.type(toBinary(TypingSchema, typing), memberSeq));
  }

  async #reach<T>(answer: Promise<T>): Promise<T> {
    try {
      return await inTime(answer, this.#answerMs, () => new Error("timeout"));
    } catch (e) {
      throw unreachable(e);
    }
  }
}

function unreachable(cause: unknown): ConnectError {
  return new ConnectError("the room can't be reached; try again", Code.Unavailable, undefined, undefined, cause);
}
