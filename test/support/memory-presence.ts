import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { UserPresenceSchema } from "../../gen/chat_pb.ts";
import {
  type Arrival,
  type ChangedPresence,
  type ListedPresence,
  type Place,
  PRESENCE_LEASE_MS,
  PRESENT_USERS,
  type PresenceProcess,
  type PresenceStore,
} from "../../src/chat/presence.ts";

const keyOf = ({ roomId, userId }: Place) => `${roomId}/${userId}`;

/** What processes tell one another, in one process. Whoever is asked about is a member, unless it is said otherwise. */
export class MemoryPresence implements PresenceStore {
  readonly #aliveUntil = new Map<bigint, number>();
  readonly #rows = new Map<bigint, Map<string, Arrival>>();
  readonly #seen = new Map<string, number>();
  readonly #changed = new Map<bigint, bigint>();
  readonly #isMember: (place: Place) => boolean;
  readonly #memberSeq: (roomId: bigint) => bigint | undefined;
  #revision = 0n;

  constructor(
    isMember: (place: Place) => boolean = () => true,
    memberSeq: (roomId: bigint) => bigint | undefined = () => 1n,
  ) {
    this.#isMember = isMember;
    this.#memberSeq = memberSeq;
  }

  /** The time of a process is over. */
  end(process: bigint): void {
    this.#aliveUntil.set(process, Date.now() - 1);
  }

  async put({ id, isNew }: PresenceProcess, come: readonly Arrival[], gone: readonly Place[]): Promise<boolean> {
    if (!isNew && !this.#isAlive(id)) return false;
    this.#aliveUntil.set(id, Date.now() + PRESENCE_LEASE_MS);
    const rows = this.#rows.get(id) ?? new Map<string, Arrival>();
    this.#rows.set(id, rows);
    for (const arrival of come) if (!rows.has(keyOf(arrival))) rows.set(keyOf(arrival), { ...arrival });
    for (const place of gone) {
      rows.delete(keyOf(place));
      if (!this.#isHere(place)) this.#seen.set(keyOf(place), Date.now());
    }
    this.#touch([...come, ...gone]);
    return true;
  }

  async here(roomIds: readonly bigint[]) {
    return roomIds.flatMap((roomId) => {
      const memberSeq = this.#memberSeq(roomId);
      if (memberSeq === undefined) return [];
      const present = [...this.#rows]
        .filter(([process]) => this.#isAlive(process))
        .flatMap(([, rows]) => [...rows.values()])
        .filter((each) => each.roomId === roomId)
        .sort((a, b) => a.cameAt - b.cameAt || Number(a.userId - b.userId));
      const userIds = [...new Set(present.map(({ userId }) => userId))];
      return [{ roomId, memberSeq, userIds: userIds.slice(0, PRESENT_USERS), count: userIds.length }];
    });
  }

  async changed(after: bigint | undefined): Promise<ChangedPresence> {
    const changed = [...this.#changed].filter(([, revision]) => after !== undefined && revision > after);
    const gone = [...this.#aliveUntil.keys()].filter((process) => !this.#isAlive(process));
    return { revision: this.#revision, roomIds: after === undefined ? undefined : changed.map(([id]) => id), gone };
  }

  async sweep(): Promise<void> {
    for (const [process, aliveUntil] of [...this.#aliveUntil].filter(([each]) => !this.#isAlive(each))) {
      this.#aliveUntil.delete(process);
      const heardAt = aliveUntil - PRESENCE_LEASE_MS;
      const rows = [...(this.#rows.get(process)?.values() ?? [])];
      this.#rows.delete(process);
      for (const place of rows.filter((each) => !this.#isHere(each))) {
        this.#seen.set(keyOf(place), Math.max(heardAt, this.#seen.get(keyOf(place)) ?? 0));
      }
      this.#touch(rows);
    }
  }

  async list(roomId: bigint, userIds: readonly bigint[]): Promise<ListedPresence> {
    const [here] = await this.here([roomId]);
    const users = (userIds.length > 0 ? userIds : (here?.userIds ?? [])).flatMap((userId) => {
      const place = { roomId, userId };
      const isHere = this.#isHere(place);
      const seenAt = this.#seen.get(keyOf(place));
      const lastSeenAt = isHere || seenAt === undefined ? undefined : timestampFromMs(seenAt);
      if (userIds.length > 0 && !this.#isMember(place)) return [];
      return create(UserPresenceSchema, { userId, isHere, ...(lastSeenAt && { lastSeenAt }) });
    });
    return { users, count: here?.count ?? 0 };
  }

  #isAlive(process: bigint): boolean {
    return (this.#aliveUntil.get(process) ?? 0) > Date.now();
  }

  #isHere(place: Place): boolean {
    return [...this.#rows].some(([process, rows]) => this.#isAlive(process) && rows.has(keyOf(place)));
  }

  #touch(places: readonly Place[]): void {
    if (places.length > 0) this.#revision++;
    for (const { roomId } of places) this.#changed.set(roomId, this.#revision);
  }
}
