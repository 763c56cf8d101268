import { create, type DescField, type DescMessage, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import { Code, ConnectError } from "@connectrpc/connect";
import { field as fieldRules } from "../../gen/buf/validate/validate_pb.ts";
import type { Limits } from "../chat/limits.ts";

/** Refuses a request that breaks the rules of its shape, which are in the contract. */
export type Validate = (schema: DescMessage, request: Message) => void;

/** `warm` are schemas of requests: compiling the rules of the first takes some 50 ms, better now than in a first call. */
export function createValidate({ violations: maxViolations }: Limits, warm: readonly DescMessage[]): Validate {
  const validator = createValidator();
  for (const schema of warm) validator.validate(schema, withoutExcess(schema, create(schema)));
  return (schema, request) => {
    const { kind, violations, error } = validator.validate(schema, withoutExcess(schema, request));
    if (kind === "valid") return;
    if (!violations) throw error;
    const [value, desc] = violationsToProto(violations.slice(0, maxViolations));
    throw new ConnectError(error.message, Code.InvalidArgument, undefined, [{ desc, value }]);
  };
}

/**
 * The request, with one item too many at most in each of its collections: enough to be refused, so that 60,000 items are
 * not looked at each.
 */
function withoutExcess(schema: DescMessage, request: Message): Message {
  const fields = request as unknown as Record<string, unknown>;
  const cut: Record<string, unknown> = {};
  for (const { localName, max } of collectionsOf(schema)) {
    const items = fields[localName] as object;
    if (Array.isArray(items)) {
      if (items.length > max) cut[localName] = items.slice(0, max + 1);
    } else if (Object.keys(items).length > max) {
      cut[localName] = Object.fromEntries(Object.entries(items).slice(0, max + 1));
    }
  }
  return Object.keys(cut).length > 0 ? { ...request, ...cut } : request;
}

interface Collection {
  readonly localName: string;
  readonly max: number;
}

const known = new WeakMap<DescMessage, readonly Collection[]>();

function collectionsOf(schema: DescMessage): readonly Collection[] {
  let collections = known.get(schema);
  if (!collections) {
    const fields = schema.fields.filter(({ fieldKind }) => fieldKind === "list" || fieldKind === "map");
    collections = fields.map((field) => ({ localName: field.localName, max: maxItems(field) }));
    known.set(schema, collections);
  }
  return collections;
}

/** How many items the contract allows; one without a bound would make a request's cost the caller's choice. */
function maxItems(field: DescField): number {
  const { type } = hasOption(field, fieldRules) ? getOption(field, fieldRules) : {};
  if (type?.case === "repeated" && type.value.maxItems > 0n) return Number(type.value.maxItems);
  if (type?.case === "map" && type.value.maxPairs > 0n) return Number(type.value.maxPairs);
  throw new Error(`${field} has no bound in the contract`);
}
