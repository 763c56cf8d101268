import type { DatabaseObject } from "./database-object.ts";
import type { RoomObject } from "./room-object.ts";
import type { UserObject } from "./user-object.ts";

declare global {
  namespace Cloudflare {
    /** The bindings of wrangler.toml; its variables and secrets are read by workerConfig(). */
    interface Env {
      readonly ROOMS: DurableObjectNamespace<RoomObject>;
      readonly USERS: DurableObjectNamespace<UserObject>;
      readonly DATABASES: DurableObjectNamespace<DatabaseObject>;
    }
  }
}
