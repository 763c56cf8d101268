import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import {
  encodeEnvelopes,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { MessageSchema } from "../../gen/chat_pb.ts";
import type { Batch } from "./broadcaster.ts";

/** The live response of the call, if its transport can carry one; otherwise the RPC yields message by message. */
export const liveResponseKey = createContextKey<LiveResponse | undefined>(undefined);

/**
 * Lets streams of changes bypass Connect's pipeline between headers and end of stream.
 *
 * Connect alone sends no headers before the first message, and takes every message of every reader through a chain of
 * async iterables. Here Connect keeps the protocol (negotiation, interceptors, deadlines, errors, end of stream), and
 * the RPC hands its changes to a {@link LiveResponse}, which sends the headers at once and then bytes that are encoded
 * once for all readers.
 */
export function withLiveResponses(handler: UniversalHandler): UniversalHandler {
  if (handler.method.methodKind !== "server_streaming") return handler;
  async function handle(request: UniversalServerRequest): Promise<UniversalServerResponse> {
    const live = new LiveResponse(request);
    const contextValues = request.contextValues ?? createContextValues();
    contextValues.set(liveResponseKey, live);
    const response = handler({ ...request, signal: live.signal, contextValues });
    return Promise.race([live.respond(response), response]);
  }
  return Object.assign(handle, handler);
}

export class LiveResponse {
  readonly #json: boolean;
  readonly #left = new AbortController();
  readonly #started = Promise.withResolvers<{ ctx: HandlerContext; changes: AsyncGenerator<readonly Batch[], never> }>();
  readonly #ended = Promise.withResolvers<unknown>();
  /** Aborted when the client has left, as far as the runtime tells. */
  readonly signal: AbortSignal;

  constructor(request: UniversalServerRequest) {
    this.#json = request.header.get("content-type")?.includes("json") ?? false;
    this.signal = this.#left.signal;
    if (request.signal.aborted) this.#leave();
    else request.signal.addEventListener("abort", () => this.#leave());
  }

  /**
   * The RPC's side: sends the headers once the changes are live (their first item), then everything they yield. Ends by
   * throwing what ended the changes, from which Connect makes the end of the stream.
   */
  async *serve(ctx: HandlerContext, changes: AsyncGenerator<readonly Batch[], never>): AsyncGenerator<never> {
    const aborted = new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve(ctx.signal.reason)));
    try {
      await changes.next();
      this.#started.resolve({ ctx, changes });
      throw await Promise.race([this.#ended.promise, aborted]);
    } finally {
      await changes.return(undefined as never);
    }
  }

  /** The transport's side: the response, as soon as the RPC is live; `end` is Connect's own response, once it ended. */
  async respond(end: Promise<UniversalServerResponse>): Promise<UniversalServerResponse> {
    const { ctx, changes } = await this.#started.promise;
    const chunks = this.#chunks(changes, end);
    const leave = () => {
      this.#leave();
      return chunks.return();
    };
    return {
      status: 200,
      header: ctx.responseHeader,
      trailer: ctx.protocolName === "grpc" ? ctx.responseTrailer : undefined, // others have theirs in the body
      body: { [Symbol.asyncIterator]: () => ({ next: () => chunks.next(), return: leave, throw: leave }) },
    };
  }

  #leave(): void {
    this.#left.abort(new ConnectError("the client has left", Code.Canceled));
  }

  async *#chunks(
    changes: AsyncGenerator<readonly Batch[], never>,
    end: Promise<UniversalServerResponse>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let reason: unknown;
    try {
      yield new Uint8Array(0); // makes adapters send the headers
      for await (const batches of changes) yield join(batches.map((batch) => encode(batch, this.#json)));
    } catch (e) {
      reason = e;
    } finally {
      this.#ended.resolve(reason);
    }
    yield* (await end).body as AsyncIterable<Uint8Array>;
  }
}

const binaryFrames = new WeakMap<Batch, Uint8Array>();
const jsonFrames = new WeakMap<Batch, Uint8Array>();
const utf8 = new TextEncoder();

/**
 * A batch as enveloped messages (a flag byte, four bytes of length, the message), which are the same in Connect
 * streaming, gRPC-Web and gRPC. Encoded once per codec, however many readers there are.
 */
function encode(batch: Batch, json: boolean): Uint8Array {
  const frames = json ? jsonFrames : binaryFrames;
  let bytes = frames.get(batch);
  if (!bytes) {
    const serialize = json
      ? (message: Batch[0]) => utf8.encode(toJsonString(MessageSchema, message))
      : (message: Batch[0]) => toBinary(MessageSchema, message);
    bytes = encodeEnvelopes(...batch.map((message) => ({ flags: 0, data: serialize(message) })));
    frames.set(batch, bytes);
  }
  return bytes;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
