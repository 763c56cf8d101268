import { createMethodUrl, type UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { LIMITS, type Limits } from "../chat/limits.ts";
import { Quotas } from "../chat/quotas.ts";
import type { ChatParts } from "../chat/service.ts";
import { Codec, type RpcRequest, type RpcResponse } from "./codec.ts";
import { connectHandler } from "./connect.ts";
import { createInvoke, type Identify } from "./invoke.ts";
import { OpenStreams } from "./open-stream.ts";
import type { Readiness } from "./readiness.ts";
import { createRpcs, type RoomCreation } from "./rpcs.ts";
import type { StreamGate } from "./stream-gate.ts";
import { createValidate } from "./validate.ts";

/** Where an RPC is reached: through the codec, or, if it exchanges messages, through Connect. */
export type Endpoint =
  | { readonly respond: (request: RpcRequest) => Promise<RpcResponse> }
  | { readonly handler: UniversalHandlerFn };

export type Endpoints = ReadonlyMap<string, Endpoint>;

export interface EndpointParts extends ChatParts {
  readonly readiness: Readiness;
  readonly identify: Identify;
  readonly gate: StreamGate;
  readonly roomCreation: RoomCreation;
  /** When streams end with UNAVAILABLE, in milliseconds, give or take a tenth; never, if it isn't given. */
  readonly streamMaxAgeMs?: number;
  /** Ends all streams, with its reason. */
  readonly shutdownSignal?: AbortSignal;
  readonly limits?: Limits;
}

/** The endpoints of all RPCs, by their paths. */
export function createEndpoints(parts: EndpointParts): Endpoints {
  const { readiness, identify, gate, users, roomCreation, streamMaxAgeMs, shutdownSignal, limits = LIMITS } = parts;
  const rpcs = createRpcs(parts, readiness, roomCreation);
  const openStreams = new OpenStreams(shutdownSignal, streamMaxAgeMs);
  const publicStreams = new OpenStreams(shutdownSignal);
  const requests = rpcs.filter(({ kind }) => kind !== "exchange").map(({ method }) => method.input);
  const invoke = createInvoke({
    identify,
    users,
    quotas: new Quotas(limits),
    validate: createValidate(limits, requests),
    openStreams,
    publicStreams,
    gate,
    limits,
  });
  const codec = new Codec(invoke, limits);
  return new Map(
    rpcs.map((rpc) => {
      const endpoint: Endpoint =
        rpc.kind === "exchange"
          ? { handler: connectHandler(rpc, invoke, publicStreams, limits) }
          : { respond: (request) => codec.respond(rpc, request) };
      return [createMethodUrl("", rpc.method), endpoint];
    }),
  );
}

/** The answer to a request for a path that has no endpoint. gRPC clients read no other than their own form of it. */
export function unknownPath(
  path: string,
  contentType = "",
): { status: number; headers: Record<string, string>; body: string } {
  const message = `nothing at ${path.slice(0, 200).toWellFormed()}; RPCs are at POST /chat_grpc.ChatService/<Method>`;
  const type = grpcType(contentType);
  if (!type) {
    const body = JSON.stringify({ code: "unimplemented", message });
    return { status: 404, headers: { "content-type": "application/json" }, body };
  }
  const headers = { "content-type": type, "grpc-status": "12", "grpc-message": encodeURI(message) };
  return { status: 200, headers, body: "" };
}

/** The content type of gRPC or gRPC-Web, without the codec, if it is one. */
export function grpcType(contentType = ""): string | undefined {
  return /^application\/grpc(-web)?/i.exec(contentType)?.[0];
}
