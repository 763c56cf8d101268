import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ProcessGate } from "../../src/auth/process-gate.ts";
import type { Caller } from "../../src/chat/caller.ts";
import { LIMITS } from "../../src/chat/limits.ts";

const user = (userId: bigint, issuedAt = 1_000): Caller => ({ kind: "user", userId, views: [], name: "", issuedAt });

/** Revocations that other processes make. */
class Revocations {
  readonly made = new Map<bigint, number>();
  isReachable = true;
  #seen = new Map<bigint, number>();

  async fresh(): Promise<void> {
    if (!this.isReachable) throw new ConnectError("away", Code.Unavailable);
    this.#seen = new Map(this.made);
  }

  tokensFrom(userId: bigint): number {
    return this.#seen.get(userId) ?? 0;
  }
}

let revocations: Revocations;
let gate: ProcessGate;
beforeEach(() => {
  vi.useFakeTimers();
  revocations = new Revocations();
  gate = new ProcessGate(revocations, { ...LIMITS, userStreams: 2, viewStreams: 3 });
});
afterEach(() => {
  expect(vi.getTimerCount(), "timers").toBe(0);
  vi.useRealTimers();
});

describe("[P7] streams of a user", () => {
  test("are counted until they have ended", async () => {
    const passes = [await gate.enter(user(1n), () => {}), await gate.enter(user(1n), () => {})];
    const refused = await gate.enter(user(1n), () => {}).catch(ConnectError.from);
    expect(refused).toMatchObject({ code: Code.ResourceExhausted });
    expect((refused as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([
      { metadata: { limit: "userStreams" } },
    ]);
    passes.push(await gate.enter(user(2n), () => {}));
    passes[0]![Symbol.dispose]();
    passes[0]![Symbol.dispose]();
    passes.push(await gate.enter(user(1n), () => {}));
    await expect(gate.enter(user(1n), () => {})).rejects.toThrow("2 streams");
    for (const pass of passes) pass[Symbol.dispose]();
  });

  test("of backends aren't, and those of viewers by their token", async () => {
    const passes: Disposable[] = [];
    const enter = async (kind: Caller["kind"], name: string) => {
      passes.push(await gate.enter({ kind, userId: 0n, views: [], name, issuedAt: 1_000 }, () => {}));
    };
    for (let i = 0; i < 10; i++) await enter("service", "key");
    for (let i = 0; i < 3; i++) await enter("viewer", "a");
    await expect(enter("viewer", "a")).rejects.toThrow("3 streams");
    await enter("viewer", "b");
    for (const pass of passes) pass[Symbol.dispose]();
  });
});

describe("[P8] a stream whose token is revoked", () => {
  test("ends at once where that is done", async () => {
    const ends = [vi.fn(), vi.fn(), vi.fn()];
    const passes = await Promise.all([
      gate.enter(user(1n, 1_000), ends[0]!),
      gate.enter(user(1n, 2_000), ends[1]!),
      gate.enter(user(2n, 1_000), ends[2]!),
    ]);
    await gate.revoked(1n, 1_500);
    expect(ends.map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
    expect(ends[0]!.mock.calls[0]![0]).toMatchObject({ code: Code.Unauthenticated });
    for (const pass of passes) pass[Symbol.dispose]();
  });

  test("ends within two seconds, where another process has done it", async () => {
    const end = vi.fn();
    const pass = await gate.enter(user(1n), end);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end).not.toHaveBeenCalled();
    revocations.made.set(1n, 1_001);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(end).toHaveBeenCalled();
    pass[Symbol.dispose]();
  });

  test("goes on while the database is away, and ends when it is back", async () => {
    const end = vi.fn();
    const pass = await gate.enter(user(1n), end);
    revocations.isReachable = false;
    revocations.made.set(1n, 1_001);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(end).not.toHaveBeenCalled();
    revocations.isReachable = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(end).toHaveBeenCalled();
    pass[Symbol.dispose]();
  });
});
