import type { RoomObject } from "./room-object.ts";

declare global {
  namespace Cloudflare {
    /** The bindings of wrangler.toml; its variables and secrets are read by parseConfig(). */
    interface Env {
      readonly ROOMS: DurableObjectNamespace<RoomObject>;
    }
  }
}
