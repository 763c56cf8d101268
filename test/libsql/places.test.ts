import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Places } from "../../src/libsql/remote/places.ts";

const soon = () => performance.now() + 60_000;
const never = () => new Promise<never>(() => {});

test("[P7] so many calls run at a time, the others in their order", async () => {
  const places = new Places(3);
  let [running, most] = [0, 0];
  const order: number[] = [];
  const call = (i: number) =>
    places.run(soon(), async () => {
      order.push(i);
      most = Math.max(most, ++running);
      await sleep(1);
      running--;
      if (i % 5 === 0) throw new Error("a call that fails");
      return i;
    });
  const all = Array.from({ length: 20 }, (_, i) => i);
  const settled = await Promise.allSettled(all.map(call));
  expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(4);
  expect([most, order]).toEqual([3, all]);
});

test("[D3] a call that gets no place by its deadline rejects with UNAVAILABLE, and is not made", async () => {
  const places = new Places(1);
  void places.run(soon(), never);
  const made: string[] = [];
  const call = (name: string, deadline: number) => places.run(deadline, async () => void made.push(name));
  await expect(call("late", performance.now() + 20)).rejects.toMatchObject({ code: Code.Unavailable });
  await expect(call("too late already", performance.now() - 1)).rejects.toMatchObject({ code: Code.Unavailable });
  expect(made).toEqual([]);
});

test("[D3] the place of a call that has ended without a word is given on after its deadline", async () => {
  const places = new Places(1);
  void places.run(performance.now() + 20, never);
  expect(await places.run(soon(), async () => "who waits is served")).toContain("served");
  void places.run(performance.now() + 20, never);
  await sleep(30);
  expect(await places.run(soon(), async () => "who comes later is served")).toContain("served");
});
