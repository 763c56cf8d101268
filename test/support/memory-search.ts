import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  FoundMessageSchema,
  type SearchMessagesReq,
  type SearchMessagesRes,
  SearchMessagesResSchema,
} from "../../gen/chat_pb.ts";
import { notInRoom } from "../../src/chat/errors.ts";
import { excerptOf } from "../../src/chat/excerpt.ts";
import type { Reading } from "../../src/chat/store.ts";
import { foldedWords } from "../../src/chat/words.ts";
import type { ModelRoom } from "./model.ts";
import { membersOf, messagesOf } from "./room-logs.ts";

/** A search through all messages that there are. */
export function searchIn(
  rooms: ReadonlyMap<bigint, ModelRoom>,
  { query, userId, roomId, limit, pageToken }: SearchMessagesReq,
  reading: Reading = "member",
): SearchMessagesRes {
  const words = foldedWords(query);
  if (words.size === 0) throw new ConnectError("no words", Code.InvalidArgument);
  const mayRead = (room: ModelRoom) => reading === "right" || membersOf(room).has(userId);
  const searched = [...rooms.values()].filter((room) => (roomId === 0n || room.room.id === roomId) && mayRead(room));
  if (roomId > 0n && searched.length === 0) throw notInRoom(roomId, userId);
  const found = searched
    .flatMap((room) => [...messagesOf(room).values()])
    .filter(({ id, deletedAt }) => !deletedAt && (pageToken === "" || id < BigInt(pageToken)))
    .sort((a, b) => Number(b.id - a.id))
    .flatMap((message) => {
      const excerpt = excerptOf(message.body, words);
      return excerpt ? [create(FoundMessageSchema, { message, excerpt })] : [];
    });
  const page = found.slice(0, limit || 20);
  const nextPageToken = found.length > page.length ? `${page.at(-1)!.message!.id}` : "";
  return create(SearchMessagesResSchema, { found: page, nextPageToken });
}
