import { Code } from "@connectrpc/connect";
import { expect } from "vitest";

/** Every call rejects with UNAVAILABLE, and in time. */
export async function expectUnavailable(timeoutMs: number, calls: Promise<unknown>[]): Promise<void> {
  const started = performance.now();
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome.status).toBe("rejected");
    expect((outcome as PromiseRejectedResult).reason).toMatchObject({ name: "ConnectError", code: Code.Unavailable });
  }
  // A machine that is busy with other tests may be a little late.
  expect(performance.now() - started).toBeLessThan(timeoutMs + 2_000);
}
