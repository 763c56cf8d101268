import { fromBinary, fromJson, type JsonValue, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import { createContextKey, createContextValues, type Interceptor } from "@connectrpc/connect";
import {
  createAsyncIterable,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { LiveResponse, type LiveStream, type OpenStreams } from "../chat/live-response.ts";
import { Call } from "./call-log.ts";
import { brokeOff, ENVELOPE_BYTES } from "./request-message.ts";

/**
 * A call in its plainest form: a message in, a message or a stream out, as the body of a Connect call has them. Most
 * calls are of this form, and taking them through all that Connect can do costs more than answering them. Whatever is not
 * plain (deadlines, compression, browsers, other protocols) and every error stays Connect's business.
 */
export interface DirectCall {
  /** Answers, or gives the response that Connect has for it. */
  answer(request: DirectRequest): Promise<DirectAnswer | UniversalServerResponse>;
  /** The client left before its request was whole. */
  abandon(requestId: string | undefined): void;
  readonly isStream: boolean;
}

export interface DirectRequest {
  readonly body: Uint8Array;
  readonly isJson: boolean;
  readonly requestId: string | undefined;
  /** The same request for Connect, but for its body. */
  readonly universal: () => Omit<UniversalServerRequest, "body">;
}

export interface DirectAnswer {
  readonly requestId: string;
  /** The body: whole, or the chunks of a stream. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** The client has left. */
  readonly leave?: () => void;
}

/** An RPC with one answer that needs nothing of its call but the request. */
export type UnaryRpc = (request: Message) => Promise<Message>;

const failureKey = createContextKey<{ reason: unknown } | undefined>(undefined);

/** Fails a call in Connect as it has failed already, instead of making it again. */
export const failKnownFailures: Interceptor = (next) => (req) => {
  const failure = req.contextValues.get(failureKey);
  if (failure) throw failure.reason;
  return next(req);
};

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** Makes direct calls of RPCs. */
export class DirectCalls {
  readonly #validator: Validator;
  readonly #openStreams: OpenStreams;

  constructor(validator: Validator, openStreams: OpenStreams) {
    this.#validator = validator;
    this.#openStreams = openStreams;
  }

  unary(implementation: UnaryRpc, handler: UniversalHandler): DirectCall {
    const { method } = handler;
    return {
      isStream: false,
      abandon: (requestId) => abandon(handler, requestId),
      answer: async (request) => {
        const message = this.#parse(handler, request.body, request.isJson);
        if (!message) return throughConnect(handler, request);
        const call = new Call(method, request.requestId);
        let answer: Message;
        try {
          answer = await implementation(message);
        } catch (reason) {
          return throughConnect(handler, request, { reason });
        }
        call.end("ok");
        const { output } = method;
        const body = request.isJson ? utf8.encode(toJsonString(output, answer)) : toBinary(output, answer);
        return { body, requestId: call.requestId };
      },
    };
  }

  /** `bare` is the same handler as Connect made it. */
  stream(stream: LiveStream, handler: UniversalHandler, bare: UniversalHandler): DirectCall {
    return {
      isStream: true,
      abandon: (requestId) => abandon(handler, requestId),
      answer: async (request) => {
        const { body, isJson, requestId, universal } = request;
        const message = isOneEnvelope(body) && this.#parse(handler, body.subarray(ENVELOPE_BYTES), isJson);
        if (!message) return throughConnect(handler, request);
        const call = new Call(handler.method, requestId);
        const live = new LiveResponse(bare, isJson, universal);
        live.onEnd((reason) => call.fail(reason));
        this.#openStreams.add(live);
        const answer = await live.respondDirectly(stream, message, body);
        if ("status" in answer) return { ...answer, header: call.identified(answer.header) };
        return { body: answer, requestId: call.requestId, leave: () => live.leave() };
      },
    };
  }

  /** The message, if there is nothing to say against it. */
  #parse({ method: { input } }: UniversalHandler, bytes: Uint8Array, isJson: boolean): Message | undefined {
    try {
      const request = isJson
        ? fromJson(input, JSON.parse(strictUtf8.decode(bytes)) as JsonValue, { ignoreUnknownFields: true })
        : fromBinary(input, bytes);
      return this.#validator.validate(input, request).kind === "valid" ? request : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Whether a body is one message of a stream, not compressed. */
function isOneEnvelope(body: Uint8Array): boolean {
  if (body.byteLength < ENVELOPE_BYTES || body[0] !== 0) return false;
  return new DataView(body.buffer, body.byteOffset).getUint32(1) === body.byteLength - ENVELOPE_BYTES;
}

function abandon({ method }: UniversalHandler, requestId: string | undefined): void {
  new Call(method, requestId).fail(brokeOff());
}

function throughConnect(
  handler: UniversalHandler,
  { body, universal }: DirectRequest,
  failure?: { reason: unknown },
): Promise<UniversalServerResponse> {
  const contextValues = createContextValues();
  contextValues.set(failureKey, failure);
  return handler({ ...universal(), contextValues, body: createAsyncIterable([body]) });
}
