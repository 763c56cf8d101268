import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import {
  FoundMessageSchema,
  type SearchMessagesReq,
  type SearchMessagesRes,
  SearchMessagesResSchema,
} from "../../../gen/chat_pb.ts";
import { notInRoom } from "../../chat/errors.ts";
import { excerptOf } from "../../chat/excerpt.ts";
import type { Reading } from "../../chat/store.ts";
import { foldedWords } from "../../chat/words.ts";
import { MAX_INT64, type Rows } from "../database.ts";
import { toMessage } from "../schema/rows.ts";
import { isReaderStatement, READERS_ROOM, readerOf } from "./membership.ts";
import { MESSAGE_BYTES } from "./texts.ts";

const DEFAULT_FOUND = 20;

/**
 * Messages with all words of a query, the newest first. The index has the room of a message as one more word of it, and is
 * asked for those of the reader alone: what there is in other rooms neither costs nor shows anything. What is found is
 * checked against the messages in the same snapshot.
 */
export function searchStatements(req: SearchMessagesReq, reading: Reading, bytes: number): InStatement[] {
  const { roomId, limit, pageToken } = req;
  const reader = readerOf(req, reading);
  const count = BigInt((limit || DEFAULT_FOUND) + 1);
  const words = [...wordsAsked(req)].map((word) => `"${word}"`).join(" AND ");
  const args = [roomId, reader, words, pageToken === "" ? MAX_INT64 : parseToken(pageToken), count, BigInt(bytes)];
  return roomId > 0n ? [{ sql: IN_ROOM, args }, isReaderStatement(roomId, reader)] : [{ sql: IN_ALL, args }];
}

export function foundMessages(
  req: SearchMessagesReq,
  [rows, readers]: readonly Rows[],
  bytes: number,
): SearchMessagesRes {
  if (readers && !readers[0]!.is_reader) throw notInRoom(req.roomId, req.userId);
  const asked = wordsAsked(req);
  const shown = rows!
    .slice(0, req.limit || DEFAULT_FOUND)
    .filter((row, i) => i === 0 || (row.bytes as bigint) <= bytes);
  const found = shown.map(toMessage).flatMap((message) => {
    // One that was edited a moment ago may lack words that the index still has.
    const excerpt = excerptOf(message.body, asked);
    return excerpt ? [create(FoundMessageSchema, { message, excerpt })] : [];
  });
  const isCut = rows!.length > shown.length;
  return create(SearchMessagesResSchema, { found, nextPageToken: isCut ? `${shown.at(-1)!.id as bigint}` : "" });
}

function wordsAsked({ query }: SearchMessagesReq): Set<string> {
  const words = foldedWords(query);
  if (words.size === 0) throw new ConnectError("query: it has no words", Code.InvalidArgument);
  return words;
}

/** A page goes on before the message that a token names. */
function parseToken(token: string): bigint {
  if (/^[1-9]\d{0,17}$/.test(token)) return BigInt(token);
  throw new ConnectError("page_token: use the next_page_token of the page before", Code.InvalidArgument);
}

/** The word that a room is in the index, which no text has. */
export const roomWord = (roomId: string) => `char(${0xe000}) || ${roomId}`;

/** What no text has, for a reader without a room: a stranger finds nothing, at the same cost whether or not there is one. */
const NOTHING = `'"' || char(${0xe000}) || '"'`;

const IN_ONE = `coalesce('"' || ${roomWord(READERS_ROOM)} || '" AND ' || ?3, ${NOTHING})`;

const IN_OWN = `coalesce((
    SELECT '(' || group_concat('"' || ${roomWord("rooms.id")} || '"', ' OR ') || ') AND ' || ?3
    FROM members INDEXED BY members_by_user CROSS JOIN rooms ON rooms.id = members.room_id
    WHERE user_id = ?2 AND removed_at IS NULL
  ), ${NOTHING})`;

const MATCHES = (match: string) => `message_words MATCH ${match} AND message_words.rowid < CAST(?4 AS INTEGER)`;

const found = (match: string) => `SELECT messages.*, bytes FROM (
    SELECT id, sum(own_bytes) OVER run AS bytes, own_bytes, row_number() OVER run AS nth FROM (
      SELECT messages.id, ${MESSAGE_BYTES} AS own_bytes FROM message_words CROSS JOIN messages ON messages.id = message_words.rowid
      WHERE ${MATCHES(match)} AND deleted_at IS NULL
      ORDER BY message_words.rowid DESC LIMIT CAST(?5 AS INTEGER)
    )
    WINDOW run AS (ORDER BY id DESC)
  ) AS fitting JOIN messages ON messages.id = fitting.id
  WHERE bytes - own_bytes <= CAST(?6 AS INTEGER) OR nth <= 2 ORDER BY nth`;

const IN_ROOM = found(IN_ONE);
const IN_ALL = found(IN_OWN);
