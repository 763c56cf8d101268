import type { Caller } from "../chat/caller.ts";
import type { Call } from "../rpc/call.ts";

const TRUSTED: Caller = { kind: "trusted", userId: 0n, views: [], name: "trusted" };

/** AUTH=trust: whoever reaches the server is a backend that is believed whichever user it says it acts for. */
export const trust: (call: Call) => Caller = () => TRUSTED;
