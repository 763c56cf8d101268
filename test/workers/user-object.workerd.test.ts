import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Code } from "@connectrpc/connect";
import { describe, expect, test, vi } from "vitest";
import type { Caller } from "../../src/chat/caller.ts";
import { LIMITS } from "../../src/chat/limits.ts";
import { ObjectGate } from "../../src/workers/object-gate.ts";
import { freshId } from "../support/fresh-id.ts";

const gate = () => new ObjectGate(env.USERS, { ...LIMITS, userStreams: 2, viewStreams: 1 });
const user = (userId: bigint, issuedAt = 1_000): Caller => ({ kind: "user", userId, views: [], name: "", issuedAt });

describe("[P7] a user's streams on all Workers", () => {
  test("are counted by the user's object, also after it has slept", async () => {
    const id = freshId();
    const [one, other] = [gate(), gate()];
    const first = await one.enter(user(id), () => {});
    const second = await other.enter(user(id), () => {});
    await evictDurableObject(env.USERS.getByName(`${id}`));
    await expect(one.enter(user(id), () => {})).rejects.toMatchObject({ code: Code.ResourceExhausted });
    first[Symbol.dispose]();
    const third = await vi.waitFor(() => other.enter(user(id), () => {}), 5_000);
    for (const pass of [second, third]) pass[Symbol.dispose]();
  });

  test("of a token without a user are the token's", async () => {
    const viewer = (name: string): Caller => ({ kind: "viewer", userId: 0n, views: [], name, issuedAt: 1_000 });
    const name = `${freshId()}`;
    const pass = await gate().enter(viewer(name), () => {});
    await expect(gate().enter(viewer(name), () => {})).rejects.toThrow("1 streams with this token");
    (await gate().enter(viewer(`other ${name}`), () => {}))[Symbol.dispose]();
    pass[Symbol.dispose]();
  });

  test("of backends need no object", async () => {
    const caller: Caller = { kind: "service", userId: 0n, views: [], name: "key" };
    const nobody = { getByName: () => expect.unreachable() } as unknown as Cloudflare.Env["USERS"];
    for (let i = 0; i < 5; i++) await new ObjectGate(nobody, { ...LIMITS, userStreams: 1 }).enter(caller, () => {});
  });
});

describe("[P8] a revocation", () => {
  test("ends the streams of older tokens, wherever they are, and refuses new ones", async () => {
    const id = freshId();
    const ends = [vi.fn(), vi.fn()];
    const passes = [await gate().enter(user(id, 1_000), ends[0]!), await gate().enter(user(id, 2_000), ends[1]!)];
    await evictDurableObject(env.USERS.getByName(`${id}`));
    await gate().revoked(id, 1_500);
    await vi.waitFor(() => expect(ends[0]).toHaveBeenCalled(), 5_000);
    expect(ends[0]!.mock.calls[0]![0]).toMatchObject({ code: Code.Unauthenticated });
    expect(ends[1]).not.toHaveBeenCalled();
    await expect(gate().enter(user(id, 1_000), () => {})).rejects.toMatchObject({ code: Code.Unauthenticated });
    for (const pass of passes) pass[Symbol.dispose]();
  });

  test("is never taken back by an earlier one", async () => {
    const id = freshId();
    await gate().revoked(id, 2_000);
    await gate().revoked(id, 1_000);
    await expect(gate().enter(user(id, 1_500), () => {})).rejects.toMatchObject({ code: Code.Unauthenticated });
    const kept = await runInDurableObject(env.USERS.getByName(`${id}`), (_, state) => state.storage.get("tokensFrom"));
    expect(kept).toBe(2_000);
  });
});
