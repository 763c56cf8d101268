import { create } from "@bufbuild/protobuf";
import type { Member, Room } from "../../gen/chat_pb.ts";
import { type News, NewsSchema } from "../../gen/room/room_pb.ts";
import type { LogPage, Position } from "./store.ts";

/** Whether either log goes on after a position, up to `head`. */
export function isBefore({ seq, memberSeq }: Position, head: Position): boolean {
  return seq < head.seq || memberSeq < head.memberSeq;
}

/** The further of two positions, in each log. */
export function furthest(a: Position, b: Position): Position {
  return { seq: a.seq > b.seq ? a.seq : b.seq, memberSeq: a.memberSeq > b.memberSeq ? a.memberSeq : b.memberSeq };
}

/** Where whoever was at a position is after news. */
export function after(position: Position, news: News): Position {
  const { seq, memberSeq } = position;
  const last = memberChanges(news).at(-1);
  return furthest(position, { seq: news.messages.at(-1)?.seq ?? seq, memberSeq: last?.memberSeq ?? memberSeq });
}

/** Whether changes are missing between a position and news, those of the members that the news only count included. */
export function isGap({ seq, memberSeq }: Position, news: News): boolean {
  if (news.messages.length > 0 && news.messages[0]!.seq > seq + 1n) return true;
  const changes = memberChanges(news);
  if (changes.length > 0 && changes[0]!.memberSeq > memberSeq + 1n) return true;
  return news.memberSeq > (changes.at(-1)?.memberSeq ?? memberSeq);
}

/** The changes of the members and of the record, in the order of their numbers. */
export function memberChanges({ members, room }: News): readonly (Member | Room)[] {
  if (!room) return members;
  const earlier = members.filter(({ memberSeq }) => memberSeq < room.memberSeq);
  return [...earlier, room, ...members.slice(earlier.length)];
}

/** What of the news lies after a position; the news themselves, if that is all of them. */
export function newOf(news: News, { seq, memberSeq }: Position): News {
  const isAllNew =
    (news.messages.length === 0 || news.messages[0]!.seq > seq) &&
    (news.members.length === 0 || news.members[0]!.memberSeq > memberSeq) &&
    (!news.room || news.room.memberSeq > memberSeq);
  if (isAllNew) return news;
  const messages = news.messages.filter((message) => message.seq > seq);
  const members = news.members.filter((member) => member.memberSeq > memberSeq);
  const room = news.room && news.room.memberSeq > memberSeq ? news.room : undefined;
  return create(NewsSchema, { ...news, messages, members, room });
}

/** Whether a page of the log after a position is the last one, up to the head. */
export function isLast({ news, head }: LogPage, position: Position): boolean {
  return isEmpty(news) || !isBefore(after(position, news), head);
}

/** Whether there is nothing to tell. */
export function isEmpty({ messages, members, typing, reads, room }: News): boolean {
  return messages.length + members.length + typing.length === 0 && !reads && !room;
}
