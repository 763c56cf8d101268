import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

/** Bytes of a product's own data, as JSON in UTF-8, and how many objects and lists may be within each other. */
export const DATA_BYTES = 8_192;
export const DATA_LEVELS = 32;

/** Refuses data of a product's own that is too long, too deep, or no JSON; `field` is its name in the request. */
export function requireData(field: string, data?: JsonObject): void {
  if (data) requireValue(field, data, 1, 0);
}

/** The characters that such data take as JSON, about. */
export function dataCharacters(data?: JsonObject): number {
  return data ? charactersOf(data) : 0;
}

function charactersOf(value: JsonValue): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return `${value}`.length;
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + 4 + charactersOf(item), 2);
}

/** The bytes with those before. Goes no deeper and no further than the limits. */
function requireValue(field: string, value: JsonValue, level: number, before: number): number {
  let bytes = before;
  if (typeof value === "object" && value !== null) {
    if (level > DATA_LEVELS)
      throw refused(field, `it has more than ${DATA_LEVELS} objects and lists within each other`);
    const isList = Array.isArray(value);
    const entries = Object.entries(value as JsonObject);
    bytes += 2 + Math.max(0, entries.length - 1);
    for (const [key, item] of entries) {
      const keyBytes = isList ? 0 : stringBytes(field, key) + 1;
      bytes = requireValue(field, item, level + 1, bytes + keyBytes);
    }
  } else if (typeof value === "string") bytes += stringBytes(field, value);
  else {
    if (typeof value === "number" && !Number.isFinite(value)) throw refused(field, `JSON has no number ${value}`);
    bytes += `${value}`.length;
  }
  if (bytes > DATA_BYTES) throw refused(field, `it is longer than ${DATA_BYTES} bytes of JSON`);
  return bytes;
}

const utf8 = new TextEncoder();

function stringBytes(field: string, text: string): number {
  if (!text.isWellFormed()) throw refused(field, "its texts must be valid Unicode");
  const escaped = text.match(/["\\\b\f\n\r\t]/g)?.length ?? 0;
  const coded = text.match(/[\u0000-\u0007\u000b\u000e-\u001f]/g)?.length ?? 0;
  return 2 + utf8.encode(text).byteLength + escaped + 5 * coded;
}

function refused(field: string, reason: string): ConnectError {
  return new ConnectError(`${field}: ${reason}`, Code.InvalidArgument);
}
