import { RoomObject as RealRoomObject } from "../../src/workers/room-object.ts";

export { default } from "../../src/workers/main.ts";

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
