import { DurableObject } from "cloudflare:workers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { InStatement } from "@libsql/client";
import { getLogger } from "@logtape/logtape";
import { ChangeGroupSchema, GroupOutcomeSchema } from "../../gen/room/room_pb.ts";
import { eraseDeletedRooms } from "../chat/erasure.ts";
import { GroupCommit } from "../chat/group-commit.ts";
import type { RoomHost } from "../chat/room-host.ts";
import { indexNext } from "../chat/search-indexer.ts";
import type { RoomChange } from "../chat/store.ts";
import { type Database, type Rows, StatementError, unavailable } from "../libsql/database.ts";
import { HttpDatabase } from "../libsql/remote/http-database.ts";
import { migrate, nameEpoch } from "../libsql/schema/migrate.ts";
import { migrations } from "../libsql/schema/migrations.ts";
import { LibsqlSearchIndex } from "../libsql/search-index.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { ofAnotherVersion, toOutcome } from "./outcomes.ts";
import { StorageDatabase } from "./storage-database.ts";
import { type WorkerConfig, workerConfig } from "./worker-config.ts";

/** When the deletion of a room is finished, should this object be cut short after its commit, in milliseconds. */
const ERASE_MS = 60_000;

const log = getLogger(["roomlog", "database"]);

/** How long after a commit its messages are entered into the index of words, in milliseconds. */
const INDEX_MS = 1_000;
/** The pause between two steps, for the commits that wait, in milliseconds; and the steps that one alarm takes at most. */
const STEP_PAUSE_MS = 20;
const ALARM_STEPS = 1_000;

/** What statements gave, or why the database refused one of them: an error would lose its code on the way. */
export type Reply = { readonly rows: Rows[] } | { readonly code: string; readonly message: string };

/**
 * The database's only writer, or one of a few: commits the changes of many rooms together. Without a server it is the
 * database too, in its own SQLite. Only Workers and objects of this script can call it. Deadlines are times of
 * Date.now(), which is the same all over the platform but for milliseconds.
 */
export class DatabaseObject extends DurableObject {
  readonly #config: WorkerConfig;
  readonly #database: Database;
  readonly #store: LibsqlStore;
  readonly #changes: GroupCommit;
  /** Whether an alarm is set, as far as it is known. */
  #isAlarmSet = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#config = workerConfig(env);
    const { databaseUrl, databaseAuthToken, limits } = this.#config;
    if (databaseUrl === undefined) {
      this.#database = new StorageDatabase(ctx.storage);
      void ctx.blockConcurrencyWhile(() => this.#open());
    } else {
      // The other half of the time is for the transaction before.
      this.#database = new HttpDatabase(databaseUrl, databaseAuthToken, limits.databaseMs / 2, limits.databaseReads);
    }
    this.#store = new LibsqlStore(this.#database, limits);
    this.#changes = new GroupCommit({ commit: (changes) => this.#store.commit(changes).catch(logged) }, { limits });
  }

  /** Takes a ChangeGroup, whose transaction has to begin in time, and returns its GroupOutcome. */
  async commit(request: Uint8Array, beginBy: number): Promise<Uint8Array> {
    const { changes } = fromBinary(ChangeGroupSchema, request);
    const known = changes.flatMap(({ change }) => (change.case === undefined ? [] : [change]));
    const deletes = known.some((change) => change.case === "deleteRoom");
    if (deletes && !this.#isAlarmSet) await this.ctx.storage.setAlarm(Date.now() + ERASE_MS);
    const { commit, first } = await this.#changes.commit(known, beginBy);
    if (deletes || commit.news.some(({ messages }) => messages.length > 0)) this.#setAlarm(INDEX_MS);
    const results = commit.outcomes.slice(first, first + known.length).values();
    const rooms = new Set(known.map(({ value }) => value.roomId));
    const outcome = create(GroupOutcomeSchema, {
      outcomes: changes.map(({ change }) => {
        return toOutcome(change.case === undefined ? ofAnotherVersion() : results.next().value!);
      }),
      news: commit.news.filter(({ roomId }) => rooms.has(roomId)),
      reads: commit.reads.filter(({ roomId }) => rooms.has(roomId)),
    });
    return toBinary(GroupOutcomeSchema, outcome);
  }

  /** Finishes the deletions of rooms that were cut short, and enters new messages into the index of words. */
  override async alarm(): Promise<void> {
    this.#isAlarmSet = false;
    const index = new LibsqlSearchIndex(this.#database);
    await this.#erase();
    // Where several objects write to a server, all do, and whoever comes second leaves it to the other.
    for (let step = 0; step < ALARM_STEPS; step++) {
      const { isWhole, isOthers } = await indexNext(index).catch(logged);
      if (isWhole) return;
      if (isOthers) break;
      await new Promise((resolve) => setTimeout(resolve, STEP_PAUSE_MS));
    }
    this.#setAlarm(INDEX_MS);
  }

  async #erase(): Promise<void> {
    const apply = async (change: RoomChange) => {
      const { commit, first } = await this.#changes.commit([change]);
      const outcome = commit.outcomes[first]!;
      if (outcome instanceof ConnectError) throw outcome;
      return outcome;
    };
    await eraseDeletedRooms(this.#store, { apply: apply as RoomHost["apply"] });
  }

  #setAlarm(ms: number): void {
    if (this.#isAlarmSet) return;
    this.#isAlarmSet = true;
    // Nobody's answer waits until it is stored: the next commit sets another.
    const set = this.ctx.storage.setAlarm(Date.now() + ms, { allowUnconfirmed: true });
    void set.catch(() => {
      this.#isAlarmSet = false;
    });
  }

  /** Runs statements that are made for a schema of so many migrations. */
  read(statements: InStatement[], schema: number, deadline: number): Promise<Reply> {
    return this.#run(schema, deadline, (timeoutMs) => this.#database.read(statements, timeoutMs));
  }

  /** Likewise; for half of the time at most, since the transactions of rooms wait for it. */
  write(statements: InStatement[], schema: number, deadline: number): Promise<Reply> {
    const mostMs = this.#config.limits.databaseMs / 2;
    return this.#run(schema, deadline, (timeoutMs) => this.#database.write(statements, Math.min(timeoutMs, mostMs)));
  }

  /**
   * Takes the log that the object keeps back to RESTORE_TO, and rejects, since the object ends with it. For the log of an
   * epoch: restored, it has another one before it answers anybody, so that no second call does it again.
   */
  async restore(epoch: string): Promise<void> {
    const { restoreTo } = this.#config;
    if (restoreTo === undefined) throw new Error("there is no RESTORE_TO; deploy one, and see README.md");
    const [rows] = await this.#database.read(["SELECT epoch FROM log_state"]);
    const present = rows![0]!.epoch;
    if (present !== epoch) throw new Error(`the epoch of the log is ${present}`);
    const { storage } = this.ctx;
    await storage.onNextSessionRestoreBookmark(await storage.getBookmarkForTime(restoreTo));
    this.ctx.abort("the log is restored");
  }

  async ping(): Promise<Reply> {
    await this.#database.ping();
    return { rows: [] };
  }

  async #run(schema: number, deadline: number, run: (timeoutMs: number) => Promise<Rows[]>): Promise<Reply> {
    if (schema !== migrations.length) throw unavailable("the Worker runs another version, with another schema");
    const timeoutMs = deadline - Date.now();
    if (timeoutMs < 0) throw unavailable("the deadline has passed");
    try {
      return { rows: await run(timeoutMs) };
    } catch (e) {
      if (!(e instanceof StatementError)) return logged(e);
      return { code: e.code, message: e.message };
    }
  }

  async #open(): Promise<void> {
    const { restoreTo } = this.#config;
    try {
      await migrate(this.#database, { onProgress: (step) => log.info("migrating the database", { step }) });
      if (restoreTo === undefined) return;
      // Later, the log might be restored to a time when its epoch had this name.
      if (restoreTo >= Date.now()) throw new Error("RESTORE_TO is in the future");
      await nameEpoch(this.#database, restoreTo.toString(36));
    } catch (e) {
      logged(e);
    }
  }
}

/** Says here what the database failed with, since callers only hear that it did. */
function logged(e: unknown): never {
  const cause = e instanceof ConnectError ? e.cause : e;
  if (cause !== undefined) log.error("the database failed", { error: `${cause}` });
  throw e;
}
