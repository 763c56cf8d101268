import { setImmediate as nextTurn } from "node:timers/promises";
import { nowMicros } from "../bytes.ts";
import { serveParent } from "../child.ts";
import { openGrpcSenders } from "../grpc-sender.ts";
import { sleep } from "../harness.ts";
import { Http1Sender } from "../http1-sender.ts";
import type { Sender, Target } from "../sender.ts";
import { WebsocketSender } from "../websocket-sender.ts";

async function open(target: Target): Promise<Sender[]> {
  const { connections, rooms, protocol } = target;
  const opened = Array.from({ length: connections }, async (_, i) => {
    const room = rooms[i % rooms.length]!;
    if (protocol === "grpc") return openGrpcSenders(target, room);
    if (protocol === "ws" || protocol === "socket-io")
      return [await new WebsocketSender(protocol, target, room).open()];
    return [await new Http1Sender(target, room).open()];
  });
  return (await Promise.all(opened)).flat();
}

/** Microseconds from the start at which messages are due. */
function steadyTimes(count: number, perSecond: number, burst: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => ((i - (i % burst)) * 1e6) / perSecond);
}

function poissonTimes(count: number, perSecond: number): Float64Array {
  let at = 0;
  return Float64Array.from({ length: count }, () => (at -= (Math.log(1 - Math.random()) * 1e6) / perSecond));
}

const methods = {
  /** Each sender sends again as soon as it has its answer. */
  async closedLoop({ seconds, ...target }: Target & { seconds: number }) {
    const senders = await open(target);
    const start = nowMicros();
    const end = start + seconds * 1e6;
    let sent = 0;
    await Promise.all(
      senders.map(async (sender) => {
        for (let now = start; now < end; now = nowMicros(), sent++) await sender.send(now);
      }),
    );
    const perSecond = sent / ((nowMicros() - start) / 1e6);
    for (const sender of senders) sender.close();
    return { sent, perSecond };
  },

  /**
   * Sends at a rate, `burst` messages at once, whatever the answers take. Delays count from the moment a call was due, so
   * that a server that stalls is charged for all that should have been sent meanwhile. A `poisson` load is as irregular as
   * people are, and is on time to a fraction of a millisecond, for which this process spins: not for high rates.
   */
  async openLoop({
    perSecond,
    burst = 1,
    poisson = false,
    seconds,
    ...target
  }: Target & { perSecond: number; burst?: number; poisson?: boolean; seconds: number }) {
    const senders = await open(target);
    const idle = [...senders];
    const due: number[] = [];
    const delays: number[] = [];
    const underWay = new Set<Promise<void>>();
    const count = Math.round(perSecond * seconds);
    const times = poisson ? poissonTimes(count, perSecond) : steadyTimes(count, perSecond, burst);
    const start = nowMicros() + 5_000;
    const send = (sender: Sender, at: number): void => {
      const call: Promise<void> = sender.send(at).then(() => {
        delays.push(nowMicros() - at);
        underWay.delete(call);
        const next = due.shift();
        if (next === undefined) idle.push(sender);
        else send(sender, next);
      });
      underWay.add(call);
    };
    for (let i = 0; i < count; ) {
      const now = nowMicros();
      for (; i < count && start + times[i]! <= now; i++) {
        const sender = idle.shift();
        if (sender) send(sender, start + times[i]!);
        else due.push(start + times[i]!);
      }
      const isNear = poisson && i < count && start + times[i]! - now < 2_000;
      await (isNear ? nextTurn() : sleep(1));
    }
    while (underWay.size > 0) await Promise.all(underWay);
    for (const sender of senders) sender.close();
    return { sent: count, delays: Float64Array.from(delays) };
  },
};
export type Senders = typeof methods;

serveParent(methods);
