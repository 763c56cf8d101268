import { DatabaseObject as RealDatabaseObject } from "../../src/workers/database-object.ts";
import { RoomObject as RealRoomObject } from "../../src/workers/room-object.ts";

export { default } from "../../src/workers/main.ts";
export { UserObject } from "../../src/workers/user-object.ts";

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      readonly mainModule: typeof import("./main.workerd.ts");
    }
  }
}

/** How often a room object was constructed in this isolate. */
export let constructions = 0;

/** The room object, counted. */
export class RoomObject extends RealRoomObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    constructions++;
  }
}

/** Until when the database object dies of every third commit, and how often it has. */
export const deaths = { wanted: 0, count: 0 };

/** The database object, which may be made to die: while it commits, or when it has, before anybody hears of it. */
export class DatabaseObject extends RealDatabaseObject {
  override async commit(request: Uint8Array, beginBy: number): Promise<Uint8Array> {
    const answer = super.commit(request, beginBy);
    if (deaths.count < deaths.wanted && Math.random() < 1 / 3) {
      if (++deaths.count % 2 === 0) await answer;
      this.ctx.abort("a test ends it");
    }
    return answer;
  }
}
