import type { JsonObject } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { DATA_BYTES, DATA_LEVELS, requireData } from "../../src/chat/struct-data.ts";

const refusal = (data: JsonObject) => {
  try {
    requireData("data", data);
    return undefined;
  } catch (e) {
    return e as ConnectError;
  }
};

describe("a product's own data", () => {
  test("may be as long as its JSON may", () => {
    const texts = ["x", 'quoted "text"', "back\\slash", "line\n\ttab\b\f\r", "\u0000\u001f\u007f", "é", "日本", "😀"];
    for (const text of texts) {
      const data = (length: number) => ({ [text]: [text, null, true, -0, 1.5e21, {}], rest: "x".repeat(length) });
      const length = DATA_BYTES - new TextEncoder().encode(JSON.stringify(data(0))).byteLength;
      expect(refusal(data(length)), text).toBeUndefined();
      expect(refusal(data(length + 1)), text).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: `data: it is longer than ${DATA_BYTES} bytes of JSON`,
      });
    }
  });

  test("may be so many levels deep", () => {
    const nested = (levels: number): JsonObject =>
      JSON.parse(`{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`);
    expect(refusal(nested(DATA_LEVELS))).toBeUndefined();
    for (const levels of [DATA_LEVELS + 1, 30_000]) {
      expect(refusal(nested(levels))?.rawMessage).toBe("data: it has more than 32 objects and lists within each other");
    }
  });

  test("has no half of a character, and no number that JSON hasn't", () => {
    const halves: JsonObject[] = [{ a: "\ud800" }, { "\udc00": 1 }, { a: [{ b: "x\ud800y" }] }];
    for (const data of halves) {
      expect(refusal(data)?.rawMessage).toBe("data: its texts must be valid Unicode");
    }
    for (const a of [Number.NaN, Infinity]) expect(refusal({ a })?.rawMessage).toBe(`data: JSON has no number ${a}`);
  });
});
