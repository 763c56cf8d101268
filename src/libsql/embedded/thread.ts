import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { isBusy } from "../codes.ts";
import { type Batch, statementsOf } from "./batch.ts";
import { type Checkpoint, type CheckpointMode, Connection, codeOf, type Mode, type Table } from "./connection.ts";
import { OpenedFile } from "./opened-file.ts";

/** The file of the thread's one connection, and what it is for. */
export interface ThreadData {
  readonly path: string;
  readonly mode: Mode;
}

export type Task = { readonly batch: Batch } | { readonly checkpoint: CheckpointMode };

export interface Request {
  readonly id: number;
  readonly task: Task;
  /** When to give up, a time of now(). */
  readonly deadline: number;
}

/** Rows of each statement, what a checkpoint did, or what went wrong: SQLite's code, empty if it is not SQLite's. */
export type Reply = { readonly id: number } & (
  | { readonly results: Table[] | Checkpoint }
  | { readonly code: string; readonly message: string }
);

/** How long a reply may wait for those to the requests that came with it. */
const REPLY_MS = 1;

const { path, mode } = workerData as ThreadData;
const port = parentPort!;
const file = new OpenedFile(path);
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

async function answer({ id, task, deadline }: Request): Promise<Reply> {
  let failure = { code: "", message: "the thread was busy for too long" };
  for (let wait = 1; now() < deadline; wait = Math.min(50, 2 * wait)) {
    try {
      const connected = connect();
      return {
        id,
        results:
          "checkpoint" in task
            ? connected.checkpoint(task.checkpoint)
            : connected.run(statementsOf(task.batch), () => now() >= deadline),
      };
    } catch (e) {
      failure = { code: codeOf(e), message: e instanceof Error ? e.message : String(e) };
      if (connection?.isBroken) disconnect();
      if (!isBusy(failure.code)) break;
      await sleep(wait);
    }
  }
  return { id, ...failure };
}

/** The clock of all threads; it is never set. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function connect(): Connection {
  if (connection) return connection;
  file.checkAgain();
  return (connection = new Connection(path, file, mode));
}

function disconnect(): void {
  connection?.close();
  connection = undefined;
}
