import { expect, test } from "vitest";
import { LIMITS } from "../../src/chat/limits.ts";
import { ArrivingBody, ArrivingBytes } from "../../src/rpc/bytes.ts";

test("[P7] bodies that are refused leave the count of all arriving bytes as it was", () => {
  const all = new ArrivingBytes({ ...LIMITS, arrivingBytes: 100 });
  const receive = (maxBytes: number, ...chunks: number[]) => {
    using body = new ArrivingBody(all, maxBytes);
    for (const size of chunks) body.add(new Uint8Array(size));
    return body.whole().byteLength;
  };
  for (let i = 0; i < 10; i++) expect(() => receive(10, 5, 90)).toThrow(/at most 10 bytes/);
  for (let i = 0; i < 10; i++) expect(() => receive(1_000, 60, 60)).toThrow(/too many requests arrive/);
  expect(receive(1_000, 60, 40)).toBe(100);
  expect(() => receive(1_000, 60, 41)).toThrow(/too many requests arrive/);
});
