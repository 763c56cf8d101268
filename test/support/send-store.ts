import { ConnectError } from "@connectrpc/connect";
import type { AddMemberReq, CreateRoomReq, Member, Message, Room, SendMessageReq } from "../../gen/chat_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";

/** What came of a send: a refusal, or the message, and whether this send made it. */
export type Outcome = ConnectError | { readonly message: Message; readonly isNew: boolean };

/** Bytes that no page of a test has. */
export const ANY_BYTES = Number.MAX_SAFE_INTEGER;

/** A store as those see it who only send and read messages. Reads as any of the `readers` who is a member. */
export class SendStore implements AsyncDisposable {
  readonly whole: ChatStore;
  readonly #readers: readonly bigint[];

  constructor(whole: ChatStore, ...readers: bigint[]) {
    this.whole = whole;
    this.#readers = readers;
  }

  createRoom(req: CreateRoomReq): Promise<Room> {
    return this.whole.createRoom(req);
  }

  async addMember(value: AddMemberReq): Promise<Member> {
    const { outcomes } = await this.whole.commit([{ case: "addMember", value }]);
    if (outcomes[0] instanceof ConnectError) throw outcomes[0];
    return outcomes[0] as Member;
  }

  /** New is what the news has; of several sends that are one message, the first made it. */
  async commit(sends: readonly SendMessageReq[]): Promise<Outcome[]> {
    const { outcomes, news } = await this.whole.commit(sends.map((value) => ({ case: "sendMessage", value })));
    const fresh = new Set(news.flatMap(({ messages }) => messages).map(({ id }) => id));
    return outcomes.map((outcome) => {
      if (outcome instanceof ConnectError) return outcome;
      return { message: outcome as Message, isNew: fresh.delete(outcome.id) };
    });
  }

  /** The messages of each room after its cursor, at most `limit` a room. */
  async messagesAfter(cursors: ReadonlyMap<bigint, bigint>, limit: number): Promise<Message[]> {
    const found = await Promise.all(this.#readers.map((user) => this.whole.readersAtHead(user, [...cursors.keys()])));
    const readers = new Map(found.flat().map((reader) => [reader.roomId, reader]));
    const atCursors = [...readers.values()].map(({ roomId, membershipId, cursor: { memberSeq } }) => {
      return { roomId, membershipId, cursor: { seq: cursors.get(roomId)!, memberSeq } };
    });
    const pages = await this.whole.readLogs(atCursors, { changes: limit, bytes: ANY_BYTES });
    return [...pages.values()].flatMap(({ messages }) => messages);
  }

  /** The newest seq of each of the rooms that has the user as a member. */
  async heads(userId: bigint, roomIds: readonly bigint[]): Promise<Map<bigint, bigint>> {
    const readers = await this.whole.readersAtHead(userId, roomIds);
    return new Map(readers.map(({ roomId, cursor }) => [roomId, cursor.seq]));
  }

  ping(): Promise<void> {
    return this.whole.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.whole[Symbol.asyncDispose]();
  }
}
