import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** A product's own data as it is stored. The same data has the same text, in whatever order its fields came. */
export function dataText(data: JsonObject): string {
  return canonical(data);
}

/** What {@link dataText} makes text of, as whoever reads it from the database gets it. */
export function storedData(data: JsonObject | undefined): JsonObject | undefined {
  return data && JSON.parse(dataText(data));
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((field) => `${JSON.stringify(field)}:${canonical(value[field]!)}`)}}`;
}
