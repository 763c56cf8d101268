import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { InStatement, InValue } from "@libsql/client";
import { type Profile, ProfileSchema } from "../../gen/chat_pb.ts";
import {
  isKeyed,
  numberOf,
  type Revocations,
  type SignedIn,
  type TokenUser,
  type UserStore,
} from "../chat/user-store.ts";
import { idTooGreat } from "./commit/bounds.ts";
import type { Database, Rows } from "./database.ts";

/** Revocations in one answer. */
const REVOCATIONS = 1_000;

/** Rooms from which on a user counts as one who is in many. */
const MANY_ROOMS = 200;

/** A user by what the row of the user is found by, and what adds the row where there is none. */
interface Identity {
  readonly column: "id" | "key";
  readonly value: bigint | string;
  readonly addition: InStatement[];
}

/** Users in libSQL. A user whose key is a number has a row only if there is a profile, or a revocation, to keep. */
export class LibsqlUsers implements UserStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** A read; a write follows if the token tells something new. */
  async signIn({ key, name, picture, issuedAt }: TokenUser): Promise<SignedIn> {
    const identity = this.#identityOf(key);
    const token: InValue[] = [name.toWellFormed(), picture.toWellFormed(), BigInt(Math.floor(issuedAt))];
    const search = { sql: SEARCH[identity.column], args: [identity.value, ...token] };
    const [[found]] = (await this.#database.read([search])) as [Rows];
    const hasProfile = name !== "" || picture !== "";
    const isNews = found ? found.is_news : hasProfile || identity.column === "key";
    if (!isNews) return found ? toSignedIn(found) : { userId: identity.value as bigint, tokensFrom: 0 };
    const note = { sql: NOTE[identity.column], args: search.args };
    const results = await this.#database.write([...identity.addition, note, search]);
    return toSignedIn(results.at(-1)![0]!);
  }

  async idOf(key: string, isToGetOne: boolean): Promise<bigint | undefined> {
    if (isNobodys(key)) {
      if (isToGetOne) throw nobodys(key);
      return undefined;
    }
    const number = numberOf(key);
    if (number !== undefined) return number;
    const search = { sql: "SELECT id FROM users WHERE key = ?1", args: [key] };
    const [[found]] = (await this.#database.read([search])) as [Rows];
    if (found || !isToGetOne) return found?.id as bigint | undefined;
    const results = await this.#database.write([...additionOfKey(key), search]);
    return results.at(-1)![0]!.id as bigint;
  }

  async idsOf(keys: readonly string[]): Promise<readonly bigint[]> {
    const nobodysKey = keys.find(isNobodys);
    if (nobodysKey !== undefined) throw nobodys(nobodysKey);
    const named = keys.filter((key) => numberOf(key) === undefined);
    const search = {
      sql: "SELECT id, key FROM users WHERE key IN (SELECT value FROM json_each(?1))",
      args: [JSON.stringify(named)],
    };
    const toIds = (rows: Rows) => new Map(rows.map((row) => [row.key as string, row.id as bigint]));
    let ids = toIds(named.length > 0 ? (await this.#database.read([search]))[0]! : []);
    const strangers = named.filter((key) => !ids.has(key));
    if (strangers.length > 0) {
      const additions = [...new Set(strangers)].flatMap(additionOfKey);
      ids = toIds((await this.#database.write([...additions, search])).at(-1)!);
    }
    return keys.map((key) => numberOf(key) ?? ids.get(key)!);
  }

  async profiles(userIds: readonly bigint[], keys: readonly string[], seenBy?: bigint): Promise<Profile[]> {
    const possible = keys.filter((key) => !isNobodys(key));
    const ids = [...userIds, ...possible.flatMap((key) => numberOf(key) ?? [])];
    const args = [`[${ids}]`, JSON.stringify(possible)];
    const [rows] = await this.#database.read([
      seenBy === undefined ? { sql: PROFILES, args } : { sql: SEEN_PROFILES, args: [...args, seenBy] },
    ]);
    return rows!.map((row) => {
      const [userId, name, picture] = [row.id as bigint, row.name as string, row.picture as string];
      return create(ProfileSchema, { userId, key: (row.key as string | null) ?? `${userId}`, name, picture });
    });
  }

  async revokeTokens(userId: bigint, issuedBefore: number): Promise<void> {
    const { greatestInteger } = this.#database;
    if (userId > greatestInteger) throw idTooGreat("user_id", userId, greatestInteger);
    await this.#database.write([
      // An id of the keyed that has no row is nobody's yet.
      ...(isKeyed(userId) ? [] : additionOfNumber(userId)),
      { sql: REVOKE, args: [userId, BigInt(issuedBefore)] },
      "UPDATE log_state SET revocation = revocation + 1 WHERE changes() > 0",
    ]);
  }

  async revocations(after?: bigint): Promise<Revocations> {
    const state = "SELECT epoch, revocation FROM log_state";
    const made = { sql: REVOKED, args: [after ?? 0n] };
    const [states, rows = []] = await this.#database.read(after === undefined ? [state] : [state, made]);
    const isWhole = rows.length <= REVOCATIONS;
    const page = rows.slice(0, REVOCATIONS);
    const { revocation } = isWhole ? states![0]! : page.at(-1)!;
    const epoch = states![0]!.epoch as string;
    return { epoch, number: revocation as bigint, of: page.map(toSignedIn), isWhole };
  }

  #identityOf(key: string): Identity {
    if (isNobodys(key)) throw nobodys(key);
    const { greatestInteger } = this.#database;
    const id = numberOf(key);
    if (id === undefined) return { column: "key", value: key, addition: additionOfKey(key) };
    if (id > greatestInteger) throw idTooGreat("the user's key", id, greatestInteger);
    return { column: "id", value: id, addition: additionOfNumber(id) };
  }
}

/** Whether nobody can have the key; one that isn't Unicode would be another one in the database. */
function isNobodys(key: string): boolean {
  return !key.isWellFormed() || isKeyed(numberOf(key) ?? 0n);
}

function nobodys(key: string): ConnectError {
  const message = `no user can have the key "${key.toWellFormed()}"; give the user another one`;
  return new ConnectError(message, Code.InvalidArgument);
}

function toSignedIn(row: Rows[number]): SignedIn {
  return { userId: row.id as bigint, tokensFrom: Number(row.tokens_from) };
}

function additionOfNumber(id: bigint): InStatement[] {
  return [{ sql: "INSERT INTO users (id) VALUES (?1) ON CONFLICT (id) DO NOTHING", args: [id] }];
}

function additionOfKey(key: string): InStatement[] {
  return [
    {
      sql: `INSERT INTO users (id, key) SELECT user_id + 1, ?1 FROM log_state WHERE true
        ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING`,
      args: [key],
    },
    "UPDATE log_state SET user_id = user_id + 1 WHERE changes() > 0",
  ];
}

/**
 * Whether a token of time ?4 that counts tells profile (?2, ?3), and a newer one than is known. Of several that were issued
 * at once, the same one wins in whatever order they come.
 */
const IS_NEWS = `(?2 <> '' OR ?3 <> '') AND tokens_from <= ?4
  AND (profile_at, name, picture) < (CAST(?4 AS INTEGER), ?2, ?3)`;

const search = (column: Identity["column"]) => `SELECT id, tokens_from, ${IS_NEWS} AS is_news FROM users
  WHERE ${column} = ?1`;
const SEARCH = { id: search("id"), key: search("key") };

const note = (column: Identity["column"]) => `UPDATE users SET name = ?2, picture = ?3, profile_at = ?4
  WHERE ${column} = ?1 AND ${IS_NEWS}`;
const NOTE = { id: note("id"), key: note("key") };

/** Of a user with a number whom no token gave a name or a picture, there is nothing to tell. */
const profiles = (condition: string) => `SELECT id, key, name, picture FROM users
  WHERE (id IN (SELECT value FROM json_each(?1)) OR key IN (SELECT value FROM json_each(?2)))
    AND (key IS NOT NULL OR name <> '' OR picture <> '') AND ${condition}
  ORDER BY id`;
const PROFILES = profiles("true");

/** Whether two users share a room, by going through those of the first. */
const sharesRoom = (first: string, second: string) => `EXISTS (
    SELECT 1 FROM members AS of_first CROSS JOIN members AS of_second
    WHERE of_first.user_id = ${first} AND of_first.removed_at IS NULL AND of_second.removed_at IS NULL
      AND of_second.user_id = ${second} AND of_second.room_id = of_first.room_id
  )`;

/** Those that user ?3 sees. Their rooms are gone through, or where these are many, the user's own. */
const SEEN_PROFILES = profiles(`(id = ?3 OR iif(
    EXISTS (SELECT 1 FROM members WHERE user_id = users.id AND removed_at IS NULL LIMIT 1 OFFSET ${MANY_ROOMS}),
    ${sharesRoom("?3", "users.id")}, ${sharesRoom("users.id", "?3")}
  ))`);

const REVOKE = `UPDATE users SET tokens_from = ?2, revocation = (SELECT revocation + 1 FROM log_state)
  WHERE id = ?1 AND tokens_from < ?2`;

const REVOKED = `SELECT id, tokens_from, revocation FROM users
  WHERE revocation > ?1 ORDER BY revocation LIMIT ${REVOCATIONS + 1}`;
