import { ConnectError } from "@connectrpc/connect";
import type { AddMemberReq, CreateRoomReq, Member, Message, Room, SendMessageReq } from "../../gen/chat_pb.ts";
import type { ChatStore } from "../../src/chat/store.ts";

/** What came of a send: a refusal, or the message, and whether this send made it. */
export type Outcome = ConnectError | { readonly message: Message; readonly isNew: boolean };

/** Bytes that no page of a test has. */
export const ANY_BYTES = Number.MAX_SAFE_INTEGER;

/** Beyond every change of members: who has got so far waits for none of them. */
const ALL_MEMBERS = 2n ** 63n - 1n;

/** A store as those see it who only send and read messages. */
export class SendStore implements AsyncDisposable {
  readonly whole: ChatStore;

  constructor(whole: ChatStore) {
    this.whole = whole;
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
    const sent = news.flatMap(({ messages }) => messages).filter(({ seq, createdSeq }) => seq === createdSeq);
    const fresh = new Set(sent.map(({ id }) => id));
    return outcomes.map((outcome) => {
      if (outcome instanceof ConnectError) return outcome;
      return { message: outcome as Message, isNew: fresh.delete((outcome as Message).id) };
    });
  }

  /** The messages of each room after its cursor, at most `limit` a room. */
  async messagesAfter(cursors: ReadonlyMap<bigint, bigint>, limit: number): Promise<Message[]> {
    const places = [...cursors].map(([roomId, seq]) => ({ roomId, after: { seq, memberSeq: ALL_MEMBERS } }));
    const pages = await this.whole.readLogs(places, { changes: limit, bytes: ANY_BYTES });
    return pages.flatMap((page) => page?.news.messages ?? []);
  }

  /** The newest seq of each of the rooms that has the user as a member. */
  async heads(userId: bigint, roomIds: readonly bigint[]): Promise<Map<bigint, bigint>> {
    const { of } = await this.whole.memberships(userId, roomIds);
    return new Map(of.map(({ roomId, head }) => [roomId, head.seq]));
  }

  ping(): Promise<void> {
    return this.whole.ping();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.whole[Symbol.asyncDispose]();
  }
}
