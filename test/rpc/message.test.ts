import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { EnsureRoomReqSchema } from "../../gen/chat_pb.ts";
import { parseMessage } from "../../src/rpc/message.ts";

const utf8 = new TextEncoder();

/** A field of bytes, in binary. */
function field(number: number, value: Uint8Array): Uint8Array {
  const length = [];
  for (let rest = value.byteLength; rest > 0 || length.length === 0; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Uint8Array.from([(number << 3) | 2, ...length, ...value]);
}

/** A request whose data have so many lists within each other. */
function nestedBinary(levels: number): Uint8Array {
  let value = new Uint8Array();
  for (let level = 0; level < levels; level++) value = new Uint8Array(field(6, field(1, value)));
  const entry = [...field(1, utf8.encode("a")), ...field(2, value)];
  return field(7, field(1, Uint8Array.from(entry)));
}

function nestedJson(levels: number): Uint8Array {
  return utf8.encode(`{"key":"x","data":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`);
}

describe("[P7] what is nested as deep as 64 KiB can be", () => {
  test.each([
    ["JSON", nestedJson(32_000), true],
    ["binary", nestedBinary(8_000), false],
  ])("is malformed in %s", (_, bytes, isJson) => {
    expect(bytes.byteLength).toBeGreaterThan(50_000);
    const parse = () => parseMessage(EnsureRoomReqSchema, bytes, isJson);
    expect(parse).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
  });

  test.each([
    ["JSON", nestedJson(31), true],
    ["binary", nestedBinary(31), false],
  ])("and what may be is read in %s", (_, bytes, isJson) => {
    const request = parseMessage(EnsureRoomReqSchema, bytes, isJson);
    expect(request).toHaveProperty("data.a");
  });
});
