import type { SendMessageReq } from "../../gen/chat_pb.ts";

export type Answer = "NotFound" | "AlreadyExists" | { body: string; seq: bigint; isNew: boolean };

/** The rules for sends in src/chat/store.ts, as plainly as they can be written down. */
export class ModelStore {
  readonly #members: ReadonlyMap<bigint, readonly bigint[]>;
  readonly #log: SendMessageReq[] = [];

  constructor(members: ReadonlyMap<bigint, readonly bigint[]>) {
    this.#members = members;
  }

  log(roomId: bigint): SendMessageReq[] {
    return this.#log.filter((earlier) => earlier.roomId === roomId);
  }

  send(req: SendMessageReq): Answer {
    if (!this.#members.get(req.roomId)?.includes(req.userId)) return "NotFound";
    const known = this.log(req.roomId).findIndex(
      ({ userId, clientMessageId }) =>
        clientMessageId !== "" && userId === req.userId && clientMessageId === req.clientMessageId,
    );
    if (known === -1) {
      this.#log.push(req);
      return { body: req.body, seq: BigInt(this.log(req.roomId).length), isNew: true };
    }
    if (this.log(req.roomId)[known]!.body !== req.body) return "AlreadyExists";
    return { body: req.body, seq: BigInt(known + 1), isNew: false };
  }
}
