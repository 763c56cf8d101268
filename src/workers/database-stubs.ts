import type { DatabaseObject } from "./database-object.ts";
import type { WorkerConfig } from "./worker-config.ts";

/**
 * The Durable Objects that write to the database, as many as are configured, each with its share of the rooms. Each call gets
 * a stub of its own: one that failed may be broken for good.
 */
export class DatabaseStubs {
  readonly #objects: DurableObjectNamespace<DatabaseObject>;
  readonly #count: number;
  /** Made once, since a name is hashed for it. */
  readonly #ids: DurableObjectId[] = [];
  readonly #location: DurableObjectLocationHint | undefined;

  constructor(
    objects: DurableObjectNamespace<DatabaseObject>,
    { databaseObjects, databaseLocation }: Pick<WorkerConfig, "databaseObjects" | "databaseLocation">,
  ) {
    this.#objects = objects;
    this.#count = databaseObjects;
    this.#location = databaseLocation;
  }

  /** The object that writes a room. */
  of(roomId: bigint): DurableObjectStub<DatabaseObject> {
    return this.#get(Number(roomId % BigInt(this.#count)));
  }

  /** An object for what is of no room. */
  any(): DurableObjectStub<DatabaseObject> {
    return this.#get(Math.floor(Math.random() * this.#count));
  }

  #get(i: number): DurableObjectStub<DatabaseObject> {
    this.#ids[i] ??= this.#objects.idFromName(`database-${i}`);
    return this.#objects.get(this.#ids[i], this.#location && { locationHint: this.#location });
  }
}
