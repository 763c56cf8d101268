import { type Arrival, GRACE_MS } from "./presence.ts";

/** A user in a room, with its streams in this process. */
interface Visitor extends Arrival {
  cameAt: number;
  visits: number;
  /** Whether others have been told. */
  isStored: boolean;
}

/** Some of those who have come and gone, to be told to others. */
export interface VisitorChanges {
  readonly all: readonly Visitor[];
  readonly come: readonly Visitor[];
  readonly gone: readonly Visitor[];
}

/** Who is here in this process, and of whom others haven't been told yet that they came or went. */
export class Visitors {
  readonly #byPlace = new Map<string, Visitor>();
  readonly #changed = new Set<Visitor>();
  /** Those whose last visit has ended, by performance.now(), and who may be back soon; the first ended first. */
  readonly #leaving = new Map<Visitor, number>();

  /** Those who are here, and those of whom others think so. */
  get size(): number {
    return this.#byPlace.size;
  }

  /** Those of whom others have to be told. */
  get changed(): number {
    return this.#changed.size;
  }

  /** When the next of those who are leaving is gone, by performance.now(). */
  get nextGoneAt(): number | undefined {
    const [endedAt] = this.#leaving.values();
    return endedAt === undefined ? undefined : endedAt + GRACE_MS;
  }

  /** A visit begins. */
  come(roomId: bigint, userId: bigint): void {
    const key = keyOf(roomId, userId);
    let visitor = this.#byPlace.get(key);
    if (!visitor) {
      visitor = { roomId, userId, cameAt: Date.now(), visits: 0, isStored: false };
      this.#byPlace.set(key, visitor);
    }
    if (visitor.visits++ > 0 || this.#leaving.delete(visitor)) return;
    if (!visitor.isStored) visitor.cameAt = Date.now();
    this.#changed.add(visitor);
  }

  /** A visit ends. */
  go(roomId: bigint, userId: bigint): void {
    const visitor = this.#byPlace.get(keyOf(roomId, userId))!;
    if (--visitor.visits === 0) this.#leaving.set(visitor, performance.now());
  }

  /** Those whose last visit ended GRACE_MS before a time are gone. */
  letGo(now: number): void {
    for (const [visitor, endedAt] of this.#leaving) {
      if (endedAt + GRACE_MS > now) break;
      this.#leaving.delete(visitor);
      this.#changed.add(visitor);
    }
  }

  /** Takes some of those of whom others have to be told, those first who have waited for longest. */
  take(count: number): VisitorChanges {
    const all = [...this.#changed.values().take(count)];
    for (const visitor of all) this.#changed.delete(visitor);
    const come = all.filter((visitor) => this.#isHere(visitor) && !visitor.isStored);
    const gone = all.filter((visitor) => !this.#isHere(visitor));
    return { all, come, gone };
  }

  /** Others have been told of changes. */
  told({ come, gone }: VisitorChanges): void {
    for (const visitor of come) visitor.isStored = true;
    for (const visitor of gone) {
      visitor.isStored = false;
      visitor.cameAt = Date.now();
      if (this.#isHere(visitor)) this.#changed.add(visitor);
      else this.#byPlace.delete(keyOf(visitor.roomId, visitor.userId));
    }
  }

  /** Perhaps others have been told of changes: then they are once more, also of those who are back by then. */
  perhapsTold({ all, gone }: VisitorChanges): void {
    for (const visitor of all) this.#changed.add(visitor);
    for (const visitor of gone) visitor.isStored = false;
  }

  /** Others have to be told of everyone. */
  tellAnew(): void {
    for (const visitor of this.#byPlace.values()) {
      visitor.isStored = false;
      this.#changed.add(visitor);
    }
  }

  #isHere(visitor: Visitor): boolean {
    return visitor.visits > 0 || this.#leaving.has(visitor);
  }
}

function keyOf(roomId: bigint, userId: bigint): string {
  return `${roomId}/${userId}`;
}
