import { create, toBinary } from "@bufbuild/protobuf";
import { getLogger } from "@logtape/logtape";
import { type ListPresenceRes, ListPresenceResSchema } from "../../gen/chat_pb.ts";
import { NewsSchema } from "../../gen/room/room_pb.ts";
import { GRACE_MS, type Place, PRESENCE_MS, PRESENT_USERS, type Visit } from "../chat/presence.ts";
import type { Position } from "../chat/store.ts";

const log = getLogger(["roomlog", "presence"]);

/** How soon the first change is told, with those that come soon after it, in milliseconds. */
const GATHER_MS = 50;
/** How often the object looks for sockets that have fallen silent, while somebody is told who is here, in milliseconds. */
const LOOK_MS = 8_000;
/** How long a socket may be silent: its Worker pings every 10 s. In milliseconds. */
const SILENT_MS = 20_000;

type Context = Pick<DurableObjectState, "getWebSockets" | "getWebSocketAutoResponseTimestamp" | "storage">;

/** What a Worker says of the reader of its socket, as soon as that is open. */
export function visitText({ roomId, userId, watches }: Visit): string {
  return `here ${roomId} ${userId} ${watches ? 1 : 0}`;
}

type Seen = (places: readonly Place[]) => Promise<void>;

interface SocketVisit extends Visit {
  /** Since when the user is here, and the socket has its visit, in milliseconds since 1970. */
  readonly cameAt: number;
  readonly openedAt: number;
}

interface EndedVisit extends SocketVisit {
  readonly endedAt: number;
}

/**
 * Who is here in a room: the users of its open sockets, each of which has its visit attached. So it survives the sleep of the
 * object, and ends with the socket. Who has gone a moment ago is here only as long as the object is awake, which its timer
 * keeps it.
 */
export class RoomPresence {
  readonly #ctx: Context;
  readonly #head: () => Position;
  readonly #seen: Seen;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due, and when who is here was told, in milliseconds since 1970. */
  #dueAt = Number.POSITIVE_INFINITY;
  #toldAt = 0;
  #hasCome = false;
  /** Visits that have ended, whose users aren't known to be gone yet; the first ended first. */
  #ended: EndedVisit[] = [];

  /**
   * @param head how far the room has got, as far as is known
   * @param seen is told who has gone from the room just now
   */
  constructor(ctx: Context, head: () => Position, seen: Seen) {
    this.#ctx = ctx;
    this.#head = head;
    this.#seen = seen;
  }

  /** Takes what a Worker says by a socket. */
  async hear(socket: WebSocket, text: string): Promise<void> {
    const [, roomId, userId, watches] = /^here (\d+) (\d+) ([01])$/.exec(text) ?? [];
    if (roomId === undefined) return;
    const [user, now] = [BigInt(userId!), Date.now()];
    const visit: SocketVisit = {
      roomId: BigInt(roomId),
      userId: user,
      watches: watches === "1",
      cameAt: this.#ended.find((ended) => ended.userId === user)?.cameAt ?? now,
      openedAt: now,
    };
    socket.serializeAttachment(visit);
    this.#hasCome = true;
    this.#schedule(now + GATHER_MS);
    if (visit.watches && (await this.#ctx.storage.getAlarm()) === null) await this.#lookLater();
  }

  /** A socket has ended. */
  leave(socket: WebSocket): void {
    this.#end(socket, Date.now());
  }

  async look(): Promise<void> {
    this.#endSilent();
    if (this.#visits().some(([, { watches }]) => watches)) await this.#lookLater();
  }

  list(userIds: readonly bigint[]): ListPresenceRes {
    this.#endSilent();
    const here = this.#here();
    const first = [...here].slice(0, PRESENT_USERS);
    const users = userIds.length > 0 ? userIds : first;
    return create(ListPresenceResSchema, {
      users: users.map((userId) => ({ userId, isHere: here.has(userId) })),
      count: here.size,
    });
  }

  /** Ends sockets whose Workers are gone without a word. */
  #endSilent(): void {
    const now = Date.now();
    for (const [socket, { openedAt }] of this.#visits()) {
      const answeredAt = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      const heardAt = Math.max(answeredAt, openedAt);
      if (now - heardAt <= SILENT_MS) continue;
      socket.close(1001, "silent");
      this.#end(socket, heardAt);
    }
  }

  /** Ends the visit of a socket, once. */
  #end(socket: WebSocket, endedAt: number): void {
    const visit = visitOf(socket);
    if (!visit) return;
    socket.serializeAttachment(null);
    this.#ended.push({ ...visit, endedAt });
    this.#schedule(endedAt + GRACE_MS + GATHER_MS);
  }

  /** Runs at a time, unless it does so earlier; and not too soon after it was told last. */
  #schedule(at: number): void {
    const dueAt = Math.max(at, this.#toldAt + PRESENCE_MS);
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#run(), dueAt - Date.now());
  }

  #run(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    const here = this.#here();
    const gone = this.#ended.filter((visit) => !isRecent(visit) && visit.userId > 0n && !here.has(visit.userId));
    this.#ended = this.#ended.filter(isRecent);
    if (gone.length > 0) {
      const late = (error: unknown) => log.warn("when users were seen last is not kept", { error: `${error}` });
      void this.#seen(gone).catch(late);
    }
    if (gone.length > 0 || this.#hasCome) this.#tell(here);
    const [next] = this.#ended;
    if (next) this.#schedule(next.endedAt + GRACE_MS + GATHER_MS);
  }

  #tell(here: ReadonlySet<bigint>): void {
    this.#hasCome = false;
    this.#toldAt = Date.now();
    const watching = this.#visits().filter(([, { watches }]) => watches);
    const roomId = watching[0]?.[1].roomId;
    if (roomId === undefined) return;
    const presence = { roomId, userIds: [...here].slice(0, PRESENT_USERS), count: here.size };
    const { memberSeq } = this.#head();
    const frame = toBinary(NewsSchema, create(NewsSchema, { roomId, memberSeq, presence }));
    for (const [socket] of watching) {
      try {
        socket.send(frame);
      } catch {
        // It is closing; its Worker will dial again, and is told then.
      }
    }
  }

  /** Users, the first who came first. */
  #here(): Set<bigint> {
    const visits = [...this.#visits().map(([, visit]) => visit), ...this.#ended.filter(isRecent)];
    visits.sort((a, b) => a.cameAt - b.cameAt);
    return new Set(visits.map(({ userId }) => userId).filter((userId) => userId > 0n));
  }

  #visits(): [WebSocket, SocketVisit][] {
    return this.#ctx.getWebSockets().flatMap((socket) => {
      const visit = socket.readyState === WebSocket.OPEN ? visitOf(socket) : undefined;
      return visit ? [[socket, visit] as [WebSocket, SocketVisit]] : [];
    });
  }

  async #lookLater(): Promise<void> {
    await this.#ctx.storage.setAlarm(Date.now() + LOOK_MS);
  }
}

/** Whether the user of an ended visit counts as here, and may be back soon. */
function isRecent({ endedAt }: EndedVisit): boolean {
  return Date.now() - endedAt < GRACE_MS;
}

function visitOf(socket: WebSocket): SocketVisit | undefined {
  const attached: unknown = socket.deserializeAttachment();
  return typeof attached === "object" ? ((attached as SocketVisit | null) ?? undefined) : undefined;
}
