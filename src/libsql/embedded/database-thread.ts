import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { isRefusal } from "../codes.ts";
import { StatementError, unavailable } from "../database.ts";
import type { Checkpoint, Table } from "./connection.ts";
import type { Reply, Request, Task, ThreadData } from "./thread.ts";

/**
 * A thread that is started again by the first call after a crash. Messages between threads cost more than most reads, so
 * what is asked while it works goes to it together.
 */
export class DatabaseThread {
  readonly #data: ThreadData;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  readonly #unsent = new Map<number, Request>();
  /** Requests that the thread has, but hasn't answered. */
  #underWay = 0;
  #lastId = 0;
  #worker: Worker | undefined;
  #exited = Promise.resolve();
  #ended = false;
  /** Whether replies were taken in this turn of the event loop. */
  #hasReceived = false;

  constructor(data: ThreadData) {
    this.#data = data;
  }

  /** Resolves when the thread runs; starting it is no part of a call's time. */
  async started(): Promise<void> {
    this.#worker = this.#start();
    await once(this.#worker, "message");
  }

  async run(task: Task, timeoutMs: number): Promise<Table[] | Checkpoint> {
    if (this.#ended) throw unavailable("the database is closed");
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Reply>();
    // The thread gives up first, so that a lock leaves no doubt about what was committed; this is for a disk that hangs.
    const deadline = performance.timeOrigin + performance.now() + 0.9 * timeoutMs;
    const late = setTimeout(() => waiting.reject(unavailable("no answer in time")), timeoutMs);
    this.#waiting.set(id, waiting);
    try {
      this.#unsent.set(id, { id, task, deadline });
      if (this.#underWay === 0) this.#send();
      const reply = await waiting.promise;
      if ("results" in reply) return reply.results;
      throw isRefusal(reply.code) ? new StatementError(reply.code, reply.message) : unavailable(reply.message);
    } finally {
      clearTimeout(late);
      this.#waiting.delete(id);
      this.#unsent.delete(id);
    }
  }

  /** Lets what was asked finish, closes the file and ends the thread. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#send();
    this.#worker?.postMessage("end");
    await this.#exited;
  }

  #send(): void {
    if (this.#unsent.size === 0) return;
    this.#worker ??= this.#start();
    this.#worker.postMessage([...this.#unsent.values()]);
    this.#underWay += this.#unsent.size;
    this.#unsent.clear();
  }

  /**
   * A thread's first replies in a turn of the event loop are taken at once, others after whatever else there is to do:
   * Node hands over messages until there is none, and there is always one while a reader catches up.
   */
  #receiveInTurn(replies: Reply[]): void {
    if (this.#hasReceived) {
      setImmediate(() => this.#receive(replies));
      return;
    }
    this.#hasReceived = true;
    setImmediate(() => (this.#hasReceived = false));
    this.#receive(replies);
  }

  #receive(replies: Reply[]): void {
    for (const reply of replies) this.#waiting.get(reply.id)?.resolve(reply);
    this.#underWay -= replies.length;
    if (this.#underWay === 0) this.#send();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: this.#data });
    let cause: unknown = "the thread ended";
    worker.on("message", (replies: Reply[]) => this.#receiveInTurn(replies));
    worker.on("error", (e) => (cause = e));
    this.#exited = new Promise((resolve) => {
      const exit = () => {
        this.#worker = undefined;
        this.#underWay = 0;
        for (const { reject } of this.#waiting.values()) reject(unavailable(cause));
        resolve();
      };
      worker.on("exit", () => setImmediate(exit)); // after its last replies
    });
    return worker;
  }
}
