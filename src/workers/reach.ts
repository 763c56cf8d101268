import { Code, ConnectError } from "@connectrpc/connect";
import { inTime } from "../chat/in-time.ts";

/** What an object answers within so many milliseconds. Whatever prevents it leaves open what the object has done. */
export async function reach<T>(what: "room" | "database" | "user", answer: Promise<T>, ms: number): Promise<T> {
  try {
    return await inTime(answer, ms, () => new Error("no answer in time"));
  } catch (e) {
    const message = `the ${what} can't be reached; try again`;
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, e);
  }
}
