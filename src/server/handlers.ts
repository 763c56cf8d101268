import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { create } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { createValidateInterceptor } from "@connectrpc/validate";
import { ChatService } from "../../gen/chat_pb.ts";
import { Health } from "../../gen/health/v1/health_pb.ts";
import { MAX_TIMEOUT_MS, REQUEST_BYTES } from "../chat/limits.ts";
import { withLiveResponses } from "../chat/live-response.ts";
import { type ChatParts, chatService } from "../chat/service.ts";
import { callLog, withCallLog } from "./call-log.ts";
import { healthService } from "./health.ts";
import type { Readiness } from "./readiness.ts";
import { reflectionRoutes } from "./reflection.ts";
import { withCheckedRequest } from "./request-message.ts";

export interface ServerParts extends ChatParts {
  readonly readiness: Readiness;
  /** Ends all streams, with its reason. */
  readonly shutdownSignal?: AbortSignal;
}

/** Every RPC of the server, in all protocols, for any transport that speaks Connect's universal requests. */
export function createHandlers(parts: ServerParts): UniversalHandler[] {
  const router = createConnectRouter({
    readMaxBytes: REQUEST_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    ...(parts.shutdownSignal && { shutdownSignal: parts.shutdownSignal }),
    interceptors: [callLog, createValidateInterceptor({ validator: warmValidator() })],
  });
  const services = [ChatService, Health];
  router.service(ChatService, chatService(parts));
  router.service(Health, healthService(parts.readiness, services.map(({ typeName }) => typeName)));
  reflectionRoutes(services)(router);
  return router.handlers.map((handler) => withCallLog(withLiveResponses(withCheckedRequest(handler))));
}

/** Compiling the rules of the first message takes some 50 ms: better now than in somebody's first call. */
function warmValidator(): Validator {
  const validator = createValidator();
  for (const { input } of ChatService.methods) validator.validate(input, create(input));
  return validator;
}
