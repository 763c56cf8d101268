import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { type Typing, TypingSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, OutcomeSchema } from "../../gen/room/room_pb.ts";
import type { Limits } from "../chat/limits.ts";
import type { RoomHost } from "../chat/room-host.ts";
import type { Answers, RoomChange } from "../chat/store.ts";
import { fromOutcome } from "./outcomes.ts";
import { reach } from "./reach.ts";

/** Hands each change to the Durable Object of its room. */
export class ObjectRoomHost implements RoomHost {
  readonly #rooms: Cloudflare.Env["ROOMS"];

  /** An object answers within the time its database may take, plus that of a group of changes before this one. */
  readonly #answerMs: number;

  constructor(rooms: Cloudflare.Env["ROOMS"], { databaseMs }: Limits) {
    this.#rooms = rooms;
    this.#answerMs = 2 * databaseMs;
  }

  async apply<C extends RoomChange["case"]>(
    change: Extract<RoomChange, { case: C }>,
    isOfUser = false,
  ): Promise<Answers[C]> {
    const request = toBinary(ChangeSchema, create(ChangeSchema, { change, isOfUser }));
    const answer = await this.#reach(this.#rooms.getByName(`${change.value.roomId}`).apply(request));
    const result = fromOutcome(fromBinary(OutcomeSchema, answer));
    if (result instanceof ConnectError) throw result;
    return result as Answers[C];
  }

  async type(typing: Typing, memberSeq: bigint): Promise<void> {
    const room = this.#rooms.getByName(`${typing.roomId}`);
    await this.#reach(room.type(toBinary(TypingSchema, typing), memberSeq));
  }

  #reach<T>(answer: Promise<T>): Promise<T> {
    return reach("room", answer, this.#answerMs);
  }
}
