import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { MalformedError } from "./errors.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a message; what is none is the caller's fault, and said to be. */
export function parseMessage(schema: DescMessage, bytes: Uint8Array, isJson: boolean): Message {
  try {
    if (!isJson) return fromBinary(schema, bytes);
    const json = JSON.parse(strictUtf8.decode(bytes)) as JsonValue;
    checkIntegers(schema, json, "");
    return fromJson(schema, json, { ignoreUnknownFields: true });
  } catch (e) {
    throw new MalformedError(`not a ${schema.typeName}`, e);
  }
}

/**
 * Refuses the integers that would be read as others: JavaScript rounds numbers beyond 2^53 − 1, and takes strings such
 * as "0x10" and " 12 ".
 */
function checkIntegers(schema: DescMessage, json: JsonValue, path: string): void {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return;
  const fields = fieldsByName(schema);
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(name);
    if (field) checkField(field, value, path + name);
  }
}

function checkField(field: DescField, json: JsonValue, path: string): void {
  if (field.fieldKind === "list" && Array.isArray(json)) {
    json.forEach((item, i) => checkValue(field, item, `${path}[${i}]`));
  } else if (field.fieldKind === "map" && typeof json === "object" && json !== null) {
    for (const [key, value] of Object.entries(json)) {
      if (isInteger(field.mapKey)) checkInteger(key, path);
      checkValue(field, value, `${path}["${key}"]`);
    }
  } else checkValue(field, json, path);
}

function checkValue(field: DescField, json: JsonValue, path: string): void {
  if (field.message) checkIntegers(field.message, json, `${path}.`);
  else if (field.scalar && isInteger(field.scalar)) checkInteger(json, path);
}

function checkInteger(json: JsonValue, path: string): void {
  if (typeof json === "number" && Number.isInteger(json) && !Number.isSafeInteger(json)) {
    throw new Error(`${path}: beyond 2^53 - 1 a JSON number loses digits: quote it, as in "9007199254740993"`);
  }
  if (typeof json === "string" && !/^-?\d+$/.test(json)) throw new Error(`${path}: not a decimal number`);
}

function isInteger(type: ScalarType): boolean {
  return ![ScalarType.STRING, ScalarType.BYTES, ScalarType.BOOL, ScalarType.DOUBLE, ScalarType.FLOAT].includes(type);
}

const known = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

function fieldsByName(schema: DescMessage): ReadonlyMap<string, DescField> {
  let fields = known.get(schema);
  if (!fields) {
    fields = new Map(
      schema.fields.flatMap(
        (field) =>
          [
            [field.jsonName, field],
            [field.name, field],
          ] as const,
      ),
    );
    known.set(schema, fields);
  }
  return fields;
}
