import { env } from "cloudflare:workers";
import { LIMITS } from "../../src/chat/limits.ts";
import { ObjectDatabase } from "../../src/workers/object-database.ts";
import { databaseContract } from "../contract/database.ts";
import { storeContract } from "../contract/store.ts";
import { usersContract } from "../contract/users.ts";
import { libsqlParts, libsqlUserParts } from "../support/libsql-parts.ts";

/** A database object that nobody else uses, as Workers ask it. */
function opens(name: string): () => Promise<ObjectDatabase> {
  const any = () => env.DATABASES.getByName(name);
  return async () => new ObjectDatabase({ any }, LIMITS);
}

databaseContract("a Durable Object's own SQLite", opens("contract"));
storeContract("a Durable Object's own SQLite", () => libsqlParts(opens("store contract")));
usersContract("a Durable Object's own SQLite", () => libsqlUserParts(opens("users contract")));
