import type { DescField, DescMethod } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { ChatService } from "../../gen/chat_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { envelope, PAGE } from "../node/raw.ts";

/** A call, more or less. Bytes are in hexadecimal, so that an input can be kept as text. */
export interface HostileCall {
  readonly isHttp2: boolean;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The name of a token to send along, or what to send in its place. */
  readonly token: string;
  readonly body: string;
}

/** What is written to a connection. */
export interface HostileBytes {
  readonly chunks: readonly string[];
}

export type HostileInput = HostileCall | HostileBytes;

/** The tokens that the names in a {@link HostileCall} stand for. */
export const TOKENS = ["user", "viewer", "service", "key"] as const;

const methods = [ChatService, Health, ServerReflection].flatMap((service) => [...service.methods]);

const hex = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("hex");
const seldom = <T>(usual: T, ...odd: fc.Arbitrary<T>[]) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 4 * odd.length }, ...odd);

const ids = fc.oneof(
  { arbitrary: fc.constantFrom(0n, 1n, 1n, 1n, 2n), weight: 4 },
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("\0", "\ud800", "x".repeat(9_000), "post:1", "1", "4503599627370496", "__proto__", "' OR 1=1 --"),
);

/** A request of a method, its fields of the right kind and of others. */
function message(method: DescMethod, isJson: boolean): fc.Arbitrary<Uint8Array> {
  const { fields } = method.input;
  if (fields.length === 0) return fc.uint8Array({ maxLength: 8 });
  const given = fc.array(fc.tuple(fc.constantFrom(...fields), ids, texts, seldom(false, fc.boolean())), {
    maxLength: 8,
  });
  return given.map((values) => (isJson ? json(values) : wire(values)));
}

type Value = [field: DescField, id: bigint, text: string, isOfOtherKind: boolean];

function json(values: Value[]): Uint8Array {
  const pairs = values.map(([field, id, text, isOfOtherKind]) => {
    const isText = (kindOf(field) === "text") !== isOfOtherKind;
    const one = isText ? JSON.stringify(text) : `"${id}"`;
    const value = field.fieldKind === "list" ? `[${one}]` : field.fieldKind === "map" ? `{"${id}":${one}}` : one;
    return `"${field.jsonName}":${value}`;
  });
  return Buffer.from(`{${pairs.join(",")}}`);
}

function wire(values: Value[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, id, text, isOfOtherKind] of values) {
    if ((kindOf(field) === "text") !== isOfOtherKind) {
      writer.tag(field.number, WireType.LengthDelimited).bytes(Buffer.from(text));
    } else writer.tag(field.number, WireType.Varint).int64(id);
  }
  return writer.finish();
}

function kindOf(field: DescField): "text" | "number" {
  return field.fieldKind === "scalar" && field.scalar !== 9 ? "number" : "text";
}

const contentTypes = ["application/json", "application/proto", "application/connect+json", "application/connect+proto"];
contentTypes.push(
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc",
  "application/grpc+json",
);

/** Spoils bytes here and there. */
const spoilings = fc.array(fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) }), {
  maxLength: 2,
});

function spoil(bytes: Uint8Array, spoiling: { at: number; cut: number; put: Uint8Array }[]): Buffer {
  let spoilt = Buffer.from(bytes);
  for (const { at, cut, put } of spoiling) {
    const start = at % (spoilt.length + 1);
    spoilt = Buffer.concat([spoilt.subarray(0, start), put, spoilt.subarray(start + cut)]);
  }
  return spoilt;
}

const oddHeaders = fc.dictionary(
  fc.constantFrom(
    "grpc-timeout",
    "connect-timeout-ms",
    "connect-protocol-version",
    "content-encoding",
    "grpc-encoding",
    "connect-content-encoding",
    "accept-encoding",
    "origin",
    "roomlog-user",
    "x-request-id",
    "te",
    "expect",
  ),
  fc.oneof(
    fc.constantFrom("gzip", "1", "100m", "-1", "99999999999", PAGE, "null", "auth0|1", "%", "%ff", "100-continue", ""),
    fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  ),
  { maxKeys: 2 },
);

const tokens = fc.oneof(
  { arbitrary: fc.constantFrom("", ...TOKENS), weight: 8 },
  fc.constantFrom("Bearer", "Bearer ", "Basic YTpi", "bearer a.b.c", "Bearer e30.e30.", `Bearer ${"x".repeat(5_000)}`),
  fc.base64String({ maxLength: 60 }).map((text) => `Bearer ${text}.${text}.${text}`),
);

const calls: fc.Arbitrary<HostileInput> = fc
  .tuple(fc.constantFrom(...methods), seldom("", fc.constantFrom("application/grpc-web-text", "text/plain", "x")))
  .chain(([method, oddType]) => {
    const types = contentTypes.filter((type) => {
      return method.methodKind === "unary" ? !type.includes("connect") : !/\/(json|proto)$/.test(type);
    });
    return fc.constantFrom(...types).chain((type) =>
      fc
        .record({
          isHttp2: type.startsWith("application/grpc") && !type.includes("web") ? fc.constant(true) : fc.boolean(),
          verb: seldom("POST", fc.constantFrom("GET", "PUT", "HEAD", "OPTIONS")),
          token: tokens,
          odd: seldom<Record<string, string>>({}, oddHeaders),
          data: message(method, type.includes("json")),
          flags: seldom(0, fc.constantFrom(1, 2, 0x80, 0xff)),
          spoiling: seldom<{ at: number; cut: number; put: Uint8Array }[]>([], spoilings),
        })
        .map(({ isHttp2, verb, token, odd, data, flags, spoiling }): HostileCall => {
          const path = `/${method.parent.typeName}/${method.name}`;
          const isGet = verb === "GET" || verb === "HEAD";
          const encoded = /grpc|connect/.test(type) ? envelope(data, flags) : data;
          const query = new URLSearchParams({ connect: "v1", base64: "1", encoding: type.split("/")[1]! });
          query.set("message", Buffer.from(data).toString("base64url"));
          return {
            isHttp2,
            method: verb,
            path: isGet ? `${path}?${query}` : path,
            headers: { "content-type": oddType || type, ...odd },
            token,
            body: isGet ? "" : hex(spoil(encoded, spoiling)),
          };
        }),
    );
  });

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const REQUEST = Buffer.from(
  "POST /chat_grpc.ChatService/GetRoom HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    'Content-Length: 24\r\n\r\n{"roomId":1,"userId":1}\n',
);

/** A frame of HTTP/2. */
const frames = fc
  .tuple(fc.nat(11), fc.nat(255), fc.constantFrom(0, 1, 3, 0x7fffffff), fc.uint8Array({ maxLength: 40 }))
  .map(([type, flags, stream, payload]) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  });

const bytes: fc.Arbitrary<HostileInput> = fc
  .oneof(
    spoilings.map((spoiling) => [spoil(REQUEST, spoiling)]),
    fc.tuple(fc.array(frames, { maxLength: 6 }), spoilings).map(([all, spoiling]) => [
      PREFACE,
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), // SETTINGS
      spoil(Buffer.concat(all), spoiling),
    ]),
    fc.uint8Array({ maxLength: 200 }).map((data) => [Buffer.from(data)]),
  )
  .map((chunks) => ({ chunks: chunks.map(hex) }));

/** What a hostile client may send: calls of every RPC, protocol and version of HTTP, with and without tokens, and bytes. */
export const hostileInputs: fc.Arbitrary<HostileInput> = fc.oneof({ arbitrary: calls, weight: 5 }, bytes);
