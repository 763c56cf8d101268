import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";

/** 9999-12-31T23:59:59Z, which is for ever, in milliseconds. */
const FOREVER_MS = 253_402_300_799_000;

/** The time until which something is to hold, in milliseconds since 1970; 0 if that has passed. */
export function untilMs(time: Timestamp | undefined, nowMs: number): number {
  const ms = time ? Math.min(timestampMs(time), FOREVER_MS) : 0;
  return ms > nowMs ? Math.ceil(ms) : 0;
}
