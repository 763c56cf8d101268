import { fromBinary, fromJson, type JsonValue, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import { createContextKey, createContextValues, type Interceptor } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { Call } from "./call-log.ts";
import { brokeOff } from "./request-message.ts";

/**
 * A unary call in its plainest form: a message in, a message out, as the body of a Connect call has them. Most calls
 * are of this form, and taking them through all that Connect can do costs more than answering them. Whatever is not
 * plain (deadlines, compression, browsers, other protocols) and every error stays Connect's business.
 */
export interface DirectCall {
  /** Answers, or gives the response that Connect has for it. */
  answer(request: DirectRequest): Promise<{ bytes: Uint8Array; requestId: string } | UniversalServerResponse>;
  /** The client left before its request was whole. */
  abandon(requestId: string | undefined): void;
}

export interface DirectRequest {
  readonly body: Uint8Array;
  readonly isJson: boolean;
  readonly requestId: string | undefined;
  /** The same request for Connect, but for its body. */
  readonly universal: () => Omit<UniversalServerRequest, "body">;
}

const failureKey = createContextKey<{ reason: unknown } | undefined>(undefined);

/** Fails a call in Connect as it has failed already, instead of making it again. */
export const failKnownFailures: Interceptor = (next) => (req) => {
  const failure = req.contextValues.get(failureKey);
  if (failure) throw failure.reason;
  return next(req);
};

/** Direct calls for those of the handlers whose method has an implementation that needs nothing but the request. */
export function directCalls(
  implementations: object,
  handlers: readonly UniversalHandler[],
  validator: Validator,
): Map<string, DirectCall> {
  const byName = new Map(Object.entries(implementations));
  return new Map(
    handlers.flatMap((handler) => {
      const implementation = byName.get(handler.method.localName) as
        | ((request: Message) => Promise<Message>)
        | undefined;
      return implementation ? [[handler.requestPath, directCall(implementation, handler, validator)]] : [];
    }),
  );
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

function directCall(
  implementation: (request: Message) => Promise<Message>,
  handler: UniversalHandler,
  validator: Validator,
): DirectCall {
  const { input, output } = handler.method;

  const parse = (bytes: Uint8Array, isJson: boolean): Message | undefined => {
    try {
      const request = isJson
        ? fromJson(input, JSON.parse(strictUtf8.decode(bytes)) as JsonValue, { ignoreUnknownFields: true })
        : fromBinary(input, bytes);
      return validator.validate(input, request).kind === "valid" ? request : undefined;
    } catch {
      return undefined;
    }
  };

  const throughConnect = ({ body, universal }: DirectRequest, failure?: { reason: unknown }) => {
    const contextValues = createContextValues();
    contextValues.set(failureKey, failure);
    return handler({ ...universal(), contextValues, body: once(body) });
  };

  return {
    abandon: (requestId) => new Call(handler.method, requestId).fail(brokeOff()),

    async answer(request) {
      const { body, isJson, requestId } = request;
      const message = parse(body, isJson);
      if (!message) return throughConnect(request);
      const call = new Call(handler.method, requestId);
      let answer: Message;
      try {
        answer = await implementation(message);
      } catch (reason) {
        return throughConnect(request, { reason });
      }
      call.end("ok");
      const bytes = isJson ? utf8.encode(toJsonString(output, answer)) : toBinary(output, answer);
      return { bytes, requestId: call.requestId };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
