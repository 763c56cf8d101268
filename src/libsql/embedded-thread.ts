import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { InStatement } from "@libsql/client";
import { isBusy } from "./codes.ts";
import { Connection, codeOf, type Mode, type Table } from "./connection.ts";

/** The file of the thread's one connection, and what it is for. */
export interface ThreadData {
  readonly path: string;
  readonly mode: Mode;
}

export interface Request {
  readonly id: number;
  readonly statements: InStatement[];
  /** When to give up, in milliseconds since 1970. */
  readonly deadline: number;
}

/** Rows, or what went wrong: SQLite's code, empty if it is not SQLite's. */
export type Reply = { readonly id: number } & (
  | { readonly results: Table[] }
  | { readonly code: string; readonly message: string }
);

/** How long a reply may wait for those to the requests that came with it. */
const REPLY_MS = 1;

const { path, mode } = workerData as ThreadData;
const port = parentPort!;
let connection: Connection | undefined;
let last = Promise.resolve();

// Whatever is thrown here ends the thread, which answers all that waits for it.
port.on("message", (requests: Request[] | "end") => {
  last = last.then(async () => {
    if (requests !== "end") return answerAll(requests);
    disconnect();
    port.unref(); // Deno's has no close()
  });
});

// Answers no request: it says that the thread runs.
port.postMessage([] satisfies Reply[]);

/** Answers go together as well, but none waits long for the others. */
async function answerAll(requests: Request[]): Promise<void> {
  let replies: Reply[] = [];
  let posted = performance.now();
  for (const [i, request] of requests.entries()) {
    replies.push(await answer(request));
    if (i < requests.length - 1 && performance.now() - posted < REPLY_MS) continue;
    port.postMessage(replies);
    replies = [];
    posted = performance.now();
  }
}

async function answer({ id, statements, deadline }: Request): Promise<Reply> {
  let failure = { code: "", message: "the thread was busy for too long" };
  for (let wait = 1; Date.now() < deadline; wait = Math.min(50, 2 * wait)) {
    try {
      connection ??= new Connection(path, mode);
      return { id, results: connection.run(statements) };
    } catch (e) {
      failure = { code: codeOf(e), message: e instanceof Error ? e.message : String(e) };
      if (connection?.isBroken) disconnect();
      if (!isBusy(failure.code)) break;
      await sleep(wait);
    }
  }
  return { id, ...failure };
}

function disconnect(): void {
  connection?.close();
  connection = undefined;
}
