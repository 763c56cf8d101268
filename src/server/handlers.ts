import { create } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { createValidateInterceptor } from "@connectrpc/validate";
import { ChatService } from "../../gen/chat_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { MAX_TIMEOUT_MS, REQUEST_BYTES } from "../chat/limits.ts";
import { type LiveStream, OpenStreams, withLiveResponses } from "../chat/live-response.ts";
import { type ChatParts, chatService, streams, unaryCalls } from "../chat/service.ts";
import { callLog, callLogGate, withCallLog } from "./call-log.ts";
import { type DirectCall, DirectCalls, failKnownFailures, type UnaryRpc } from "./direct-call.ts";
import { healthService } from "./health.ts";
import type { Readiness } from "./readiness.ts";
import { reflectionRoutes } from "./reflection.ts";
import { withCheckedRequest } from "./request-message.ts";

export interface ServerParts extends ChatParts {
  readonly readiness: Readiness;
  /** Ends all streams, with its reason. */
  readonly shutdownSignal?: AbortSignal;
}

/** The server's RPCs, for any transport. */
export interface Rpcs {
  /** All of them, in all protocols, for transports that speak Connect's universal requests. */
  readonly handlers: readonly UniversalHandler[];
  /** By path, those that can be answered directly. */
  readonly direct: ReadonlyMap<string, DirectCall>;
}

export function createRpcs(parts: ServerParts): Rpcs {
  const validator = warmValidator();
  const router = createConnectRouter({
    readMaxBytes: REQUEST_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    ...(parts.shutdownSignal && { shutdownSignal: parts.shutdownSignal }),
    requestGate: callLogGate,
    interceptors: [callLog, createValidateInterceptor({ validator }), failKnownFailures],
  });
  const services = [ChatService, Health];
  router.service(ChatService, chatService(parts));
  router.service(
    Health,
    healthService(
      parts.readiness,
      services.map(({ typeName }) => typeName),
    ),
  );
  reflectionRoutes(services)(router);
  const openStreams = new OpenStreams(parts.shutdownSignal);
  const directCalls = new DirectCalls(validator, openStreams);
  const implementations: Record<string, object | undefined> = unaryCalls(parts);
  const liveStreams: Record<string, LiveStream | undefined> = streams(parts);
  const handlers: UniversalHandler[] = [];
  const direct = new Map<string, DirectCall>();
  for (const bare of router.handlers) {
    const handler = withCallLog(withCheckedRequest(withLiveResponses(bare, openStreams)));
    handlers.push(handler);
    const { localName } = bare.method;
    const implementation = implementations[localName] as UnaryRpc | undefined;
    const stream = liveStreams[localName];
    if (implementation) direct.set(bare.requestPath, directCalls.unary(implementation, handler));
    if (stream) direct.set(bare.requestPath, directCalls.stream(stream, handler, bare));
  }
  return { handlers, direct };
}

/** Compiling the rules of the first message takes some 50 ms: better now than in somebody's first call. */
function warmValidator(): Validator {
  const validator = createValidator();
  for (const { input } of ChatService.methods) validator.validate(input, create(input));
  return validator;
}
