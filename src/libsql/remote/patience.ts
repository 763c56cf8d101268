import { inTime } from "../../chat/in-time.ts";
import { isBusy, isRefusal } from "../codes.ts";
import { StatementError, unavailable } from "../database.ts";
import { codeOf, LateError } from "./batch.ts";

/** The longest wait between two attempts, in milliseconds. */
const MAX_WAIT_MS = 100;

/** The server has too much to do, and has done nothing of what was asked. */
export class OverloadError extends Error {
  override name = "OverloadError";
}

/**
 * What an attempt gives. One that failed because the server was locked or overloaded is repeated until the deadline, a
 * time of performance.now(); waits differ, so that those who met don't meet again.
 */
export async function persist<T>(deadline: number, attempt: () => Promise<T>): Promise<T> {
  for (let wait = 1; ; wait = Math.min(MAX_WAIT_MS, 2 * wait)) {
    try {
      return await attempt();
    } catch (e) {
      const code = codeOf(e);
      if (isRefusal(code)) throw new StatementError(code, (e as Error).message);
      const pause = wait * (0.5 + Math.random());
      if (!didNothing(e) || performance.now() + pause > deadline) throw unavailable(e);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Whether nothing has happened, and the same may do well a moment later. */
function didNothing(e: unknown): boolean {
  return e instanceof OverloadError || e instanceof LateError || isBusy(codeOf(e));
}

/** What a promise gives, if it does by the deadline. */
export function byDeadline<T>(deadline: number, promise: Promise<T>): Promise<T> {
  return inTime(promise, deadline - performance.now(), () => new Error("no answer in time"));
}
