import type { Message } from "../../gen/chat_pb.ts";
import type { News } from "../../gen/room/room_pb.ts";
import { messageCharacters } from "./message-characters.ts";
import { isBefore } from "./position.ts";
import type { Position } from "./store.ts";
import { dataCharacters } from "./struct-data.ts";

/** What an object of a change takes beside its text, about. */
const CHANGE_BYTES = 1024;
/** What a character takes in the text, in JSON and in binary, about. */
const TEXT_BYTES = 8;
/** What a read position takes, about. */
const READ_BYTES = 128;

interface Entry {
  readonly news: News;
  /** Where whoever takes it has to be. */
  readonly from: Position;
  readonly bytes: number;
}

/**
 * The newest news of a room, one after the other. They are numbered, and the oldest are let go of; what is added before
 * the rest may then have the number of other news that were there before.
 */
export class NewsRing {
  readonly #onResize: (bytes: number) => void;
  readonly #entries: Entry[] = [];
  #first = 0;
  #bytes = 0;

  /** `onResize` is told how many bytes were added, or let go of. */
  constructor(onResize: (bytes: number) => void) {
    this.#onResize = onResize;
  }

  /** The number that the next news will have. */
  get end(): number {
    return this.#first + this.#entries.length;
  }

  /** Where the first ones kept begin. */
  get start(): Position | undefined {
    return this.#entries[0]?.from;
  }

  /** The number of the news to take first at a position; none, if they aren't kept. */
  after(position: Position): number | undefined {
    const index = this.#entries.findLastIndex(({ from }) => !isBefore(position, from));
    return index < 0 ? undefined : this.#first + index;
  }

  /** News by their number, for whoever is at a position; none, if what comes next there isn't kept. */
  at(number: number, position: Position): News | undefined {
    const entry = this.#entries[number - this.#first];
    return entry && !isBefore(position, entry.from) ? entry.news : undefined;
  }

  /**
   * Adds the newest. Older news are let go of up to those that have one of their messages or members, or the record, in an older state;
   * also the newest themselves, if they have.
   */
  push(news: News, from: Position): void {
    this.#dropSuperseded(news);
    const bytes = bytesOf(news);
    this.#entries.push({ news, from, bytes });
    this.#resize(bytes);
    if (hasOlderState(news)) this.trim(0);
  }

  /** Adds what lies before the oldest, if it leaves room within a bound. */
  unshift(news: News, from: Position, maxBytes: number): void {
    const bytes = bytesOf(news);
    if (this.#bytes + bytes > maxBytes) return;
    this.#entries.unshift({ news, from, bytes });
    this.#first--;
    this.#resize(bytes);
  }

  /** Lets go of the oldest, until the rest is within a bound. */
  trim(maxBytes: number): void {
    let count = 0;
    for (let bytes = this.#bytes; bytes > maxBytes; count++) bytes -= this.#entries[count]!.bytes;
    this.#drop(count);
  }

  #dropSuperseded({ messages, members, room }: News): void {
    const changed = messages.filter(isChanged);
    if (changed.length + members.length === 0 && !room) return;
    const isOlderState = ({ news }: Entry) =>
      (room && news.room) ||
      changed.some(({ id }) => news.messages.some((message) => message.id === id)) ||
      members.some(({ userId }) => news.members.some((member) => member.userId === userId));
    this.#drop(this.#entries.findLastIndex(isOlderState) + 1);
  }

  #drop(count: number): void {
    if (count === 0) return;
    const bytes = this.#entries.splice(0, count).reduce((sum, entry) => sum + entry.bytes, 0);
    this.#first += count;
    this.#resize(-bytes);
  }

  #resize(bytes: number): void {
    this.#bytes += bytes;
    this.#onResize(bytes);
  }
}

/** Whether a message or a member is among them twice. */
function hasOlderState({ messages, members }: News): boolean {
  if (messages.length < 2 && members.length < 2) return false;
  const [ids, users] = [new Set(messages.map(({ id }) => id)), new Set(members.map(({ userId }) => userId))];
  return ids.size < messages.length || users.size < members.length;
}

function isChanged({ createdAt, updatedAt }: Message): boolean {
  return createdAt?.seconds !== updatedAt?.seconds || createdAt?.nanos !== updatedAt?.nanos;
}

/** The news, and their bytes in JSON and in binary. */
function bytesOf({ messages, members, typing, reads, room }: News): number {
  const texts = messages.reduce((length, message) => length + messageCharacters(message), 0);
  const record = room ? room.name.length + dataCharacters(room.data) : 0;
  const changes = 1 + messages.length + members.length + typing.length + (room ? 1 : 0);
  const positions = reads ? Object.keys(reads.readMessageIds).length : 0;
  return changes * CHANGE_BYTES + positions * READ_BYTES + TEXT_BYTES * (texts + record);
}
