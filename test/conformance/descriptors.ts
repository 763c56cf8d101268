import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { type Any, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { DESCRIPTORS } from "./paths.ts";

const PACKAGE = "connectrpc.conformance.v1";
type Shape<Name extends string, Fields> = Message<`${typeof PACKAGE}.${Name}`> & Fields;
type Bytes = Uint8Array<ArrayBuffer>;

type HeaderShape = Shape<"Header", { name: string; value: string[] }>;

interface ErrorDefinition {
  code: number;
  message?: string;
  details: Any[];
}

interface Definition {
  responseHeaders: HeaderShape[];
  responseTrailers: HeaderShape[];
  responseDelayMs: number;
}

/** How to answer a call that has one response. */
export type UnaryDefinition = Shape<
  "UnaryResponseDefinition",
  Definition & {
    response:
      | { case: "responseData"; value: Bytes }
      | { case: "error"; value: Shape<"Error", ErrorDefinition> }
      | { case: undefined; value?: undefined };
  }
>;

/** How to answer a call that may have many. */
export type StreamDefinition = Shape<
  "StreamResponseDefinition",
  Definition & { responseData: Bytes[]; error?: Shape<"Error", ErrorDefinition> }
>;

/** What a call tells about its request. */
export type RequestInfo = Shape<
  "ConformancePayload.RequestInfo",
  {
    requestHeaders: HeaderShape[];
    timeoutMs?: bigint;
    requests: Any[];
    connectGetInfo?: Shape<"ConformancePayload.ConnectGetInfo", { queryParams: HeaderShape[] }>;
  }
>;

type Payload = Shape<"ConformancePayload", { data: Bytes; requestInfo?: RequestInfo }>;
type Request<Name extends string, Fields> = GenMessage<Shape<Name, Fields>>;
type Response<Name extends string> = GenMessage<Shape<Name, { payload?: Payload }>>;

interface Methods {
  unary: {
    methodKind: "unary";
    input: Request<"UnaryRequest", { responseDefinition?: UnaryDefinition }>;
    output: Response<"UnaryResponse">;
  };
  idempotentUnary: {
    methodKind: "unary";
    input: Request<"IdempotentUnaryRequest", { responseDefinition?: UnaryDefinition }>;
    output: Response<"IdempotentUnaryResponse">;
  };
  serverStream: {
    methodKind: "server_streaming";
    input: Request<"ServerStreamRequest", { responseDefinition?: StreamDefinition }>;
    output: Response<"ServerStreamResponse">;
  };
  clientStream: {
    methodKind: "client_streaming";
    input: Request<"ClientStreamRequest", { responseDefinition?: UnaryDefinition }>;
    output: Response<"ClientStreamResponse">;
  };
  bidiStream: {
    methodKind: "bidi_streaming";
    input: Request<"BidiStreamRequest", { responseDefinition?: StreamDefinition; fullDuplex: boolean }>;
    output: Response<"BidiStreamResponse">;
  };
  unimplemented: {
    methodKind: "unary";
    input: GenMessage<Shape<"UnimplementedRequest", object>>;
    output: GenMessage<Shape<"UnimplementedResponse", object>>;
  };
}

type ServerCompatRequest = Shape<"ServerCompatRequest", { httpVersion: number; messageReceiveLimit: number }>;
type ServerCompatResponse = Shape<"ServerCompatResponse", { host: string; port: number }>;

/** All types of the suite. Errors carry details of them, which are JSON in Connect. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)));

export const ConformanceService = found(registry.getService(`${PACKAGE}.ConformanceService`)) as unknown as GenService<{
  [Name in keyof Methods]: Methods[Name];
}>;
export const RequestInfoSchema = message<RequestInfo>("ConformancePayload.RequestInfo");
export const ServerCompatRequestSchema = message<ServerCompatRequest>("ServerCompatRequest");
export const ServerCompatResponseSchema = message<ServerCompatResponse>("ServerCompatResponse");

function message<Type extends Message>(name: string): GenMessage<Type> {
  return found<DescMessage>(registry.getMessage(`${PACKAGE}.${name}`)) as unknown as GenMessage<Type>;
}

function found<Descriptor>(descriptor: Descriptor | undefined): Descriptor {
  if (!descriptor) throw new Error(`the suite's protos are not those of ${PACKAGE}`);
  return descriptor;
}
