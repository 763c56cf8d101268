import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { getLogger } from "@logtape/logtape";
import type { Caller } from "../chat/caller.ts";
import type { Rpc } from "./rpc.ts";

const log = getLogger(["roomlog", "rpc"]);

/** Of an error's text. */
const LOGGED_CHARACTERS = 300;

/** A header of a request, by its name in lower case. */
export type GetHeader = (name: string) => string | undefined;

/** A call that has begun, of whatever protocol. It ends once, and leaves one line in the log. */
export class Call {
  readonly rpc: Rpc;
  header: GetHeader;
  /** The caller's x-request-id if it is one to take over, else a new one. */
  readonly requestId: string;
  /** How long it may take, in milliseconds; as long as it takes, if it isn't set. */
  timeoutMs: number | undefined;
  /** Known once it is identified. */
  caller: Caller | undefined;
  /** The user for whom the caller acts; 0 if for none. */
  actor = 0n;
  readonly #started = performance.now();
  #hasEnded = false;

  constructor(rpc: Rpc, header: GetHeader) {
    this.rpc = rpc;
    this.header = header;
    const asked = header("x-request-id");
    this.requestId = asked && /^[\w.:/+=-]{1,64}$/.test(asked) ? asked : crypto.randomUUID();
  }

  /** What is left of that time, counted from its beginning. */
  get remainingMs(): number | undefined {
    return this.timeoutMs === undefined ? undefined : this.timeoutMs - (performance.now() - this.#started);
  }

  /** Says how it ended: by an error, or well. The first word counts. */
  end(error?: unknown): void {
    if (error === undefined) return this.#record("info", "ok");
    if (!(error instanceof ConnectError) || error.code === Code.Internal) {
      return this.#record("error", "internal", { error: error instanceof Error ? error.stack : String(error) });
    }
    const { code, cause } = error;
    const why = "summary" in error ? String(error.summary) : error.rawMessage; // see MalformedError
    const details = { error: why.slice(0, LOGGED_CHARACTERS), ...(cause !== undefined && { cause: String(cause) }) };
    this.#record("info", codeToString(code), details);
  }

  /** Says why it was none: HTTP's reason, as a code is spelt. */
  refuse(reason: string): void {
    this.#record("info", reason);
  }

  #record(level: "info" | "error", code: string, more?: object): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { method } = this.rpc;
    log[level]("call", {
      method: `${method.parent.typeName}/${method.name}`,
      code,
      ms: Math.round((performance.now() - this.#started) * 10) / 10,
      requestId: this.requestId,
      caller: this.caller?.kind,
      ...(this.caller?.kind === "service" && { service: this.caller.name }),
      ...(this.actor > 0n && { user: `${this.actor}` }),
      ...more,
    });
  }
}
