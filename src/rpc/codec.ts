import type { Message } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag, encodeEnvelope } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Limits } from "../chat/limits.ts";
import { ArrivingBody, ArrivingBytes, concat, tooLarge } from "./bytes.ts";
import { Call, type GetHeader } from "./call.ts";
import { acceptsGzip, gunzip, gzip, isGzip } from "./compression.ts";
import { encode } from "./encoded-view.ts";
import { MalformedError, shownError } from "./errors.ts";
import type { Invoke } from "./invoke.ts";
import { parseMessage } from "./message.ts";
import { refuseNoCall } from "./no-call.ts";
import { OpenStream } from "./open-stream.ts";
import { type Protocol, protocolOf } from "./protocol.ts";
import { isRead, type StreamRpc, type UnaryRpc } from "./rpc.ts";
import { StreamBody } from "./stream-body.ts";

/** A request for an RPC, as any transport has it. */
export interface RpcRequest {
  readonly httpMethod: string;
  /** What follows the path: empty, or from "?" on. */
  readonly query: string;
  readonly header: GetHeader;
  /** Whether HTTP's trailers, which gRPC needs, reach the client. */
  readonly hasTrailers: boolean;
  /** Adds the body's chunks as they arrive, and resolves when it is whole. Rejects when it breaks off. */
  receive(body: ArrivingBody): Promise<void>;
}

/** The response to a request for an RPC, for any transport. */
export interface RpcResponse {
  readonly status: number;
  /** Their names are in lower case. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | StreamBody;
  /** Of a body that is whole: what HTTP/2 sends after it. Those of a stream are the stream's. */
  readonly trailers?: Readonly<Record<string, string>> | undefined;
}

/** Bytes from which on an answer is compressed for who asks. */
const COMPRESS_BYTES = 1024;
/** A byte of flags and four of a message's length. */
const ENVELOPE_BYTES = 5;

/** Reads the requests of calls with one request message, and writes their answers, in all protocols. */
export class Codec {
  readonly #invoke: Invoke;
  readonly #limits: Limits;
  readonly #arriving: ArrivingBytes;

  constructor(invoke: Invoke, limits: Limits) {
    this.#invoke = invoke;
    this.#limits = limits;
    this.#arriving = new ArrivingBytes(limits);
  }

  async respond(rpc: UnaryRpc | StreamRpc, request: RpcRequest): Promise<RpcResponse> {
    const call = new Call(rpc, request.header);
    const form = formOf(rpc, request);
    if (typeof form === "number") {
      await this.#discard(request);
      return refuseNoCall(call, form);
    }
    const { protocol, isJson } = form;
    if (protocol.needsTrailers && !request.hasTrailers) return refuseGrpc(call);
    const headers: Record<string, string> = {
      "content-type": isJson ? protocol.jsonType : protocol.binaryType,
      "x-request-id": call.requestId,
      // What a GET gets depends on who asks.
      ...(request.httpMethod === "GET" && { "cache-control": "no-store" }),
    };
    try {
      const toBytes = (message: Message) => encode(rpc.method.output, message, isJson);
      const result = await this.#invoke(call, () => this.#receive(call, request, form), toBytes);
      if (result instanceof OpenStream) {
        const body = new StreamBody(result, isJson, protocol, this.#limits);
        return { status: 200, headers: { ...headers, ...LIVE_HEADERS }, body };
      }
      return await answer(protocol, headers, request, result as Uint8Array);
    } catch (e) {
      return fail(protocol, headers, shownError(e, this.#limits.errorTextBytes));
    }
  }

  /** Some clients don't get to read an answer that comes before they have sent all. */
  async #discard(request: RpcRequest): Promise<void> {
    using body = new ArrivingBody(this.#arriving, this.#limits.discardedBytes);
    await request.receive(body).catch(() => {});
  }

  async #receive(call: Call, request: RpcRequest, { protocol, isJson, query }: Form): Promise<Message> {
    const { method } = call.rpc;
    const timeout = protocol.parseTimeout(request.header(protocol.timeoutHeader) ?? null, this.#limits.deadlineMs);
    const encoding = query ? (query.get("compression") ?? undefined) : request.header(protocol.encodingHeader);
    using body = new ArrivingBody(this.#arriving, this.#limits.requestBytes + (protocol.end ? ENVELOPE_BYTES : 0));
    await request.receive(body);
    if (timeout.error) throw timeout.error;
    call.timeoutMs = timeout.timeoutMs;
    let isCompressed = isGzip(encoding);
    let bytes = query ? queryMessage(query) : body.whole();
    if (protocol.end) {
      const flags = bytes[0];
      bytes = openEnvelope(bytes, this.#limits.requestBytes);
      if (flags !== 0 && !(flags === compressedFlag && isCompressed)) throw wrongFlags(flags!);
      isCompressed &&= flags === compressedFlag;
    }
    if (isCompressed) bytes = await gunzip(bytes, this.#limits.requestBytes);
    return parseMessage(method.input, bytes, isJson);
  }
}

/** What a request is written in. */
interface Form {
  readonly protocol: Protocol;
  readonly isJson: boolean;
  /** Of a GET, which has its message in there. */
  readonly query?: URLSearchParams;
}

/** The form of a request, or the HTTP status with which one in none is refused. */
function formOf(rpc: UnaryRpc | StreamRpc, { httpMethod, query, header }: RpcRequest): Form | 405 | 415 {
  if (httpMethod === "POST") return protocolOf(header("content-type") ?? "", rpc) ?? 415;
  if (httpMethod !== "GET" || !isRead(rpc)) return 405;
  const params = new URLSearchParams(query);
  const form = protocolOf(`application/${params.get("encoding")}`, rpc);
  return form && !form.protocol.end ? { ...form, query: params } : 415;
}

function queryMessage(query: URLSearchParams): Uint8Array {
  const message = query.get("message") ?? "";
  if (query.get("base64") !== "1") return utf8.encode(message);
  try {
    return base64Decode(message);
  } catch (e) {
    throw new MalformedError("the message is not base64", e);
  }
}

const utf8 = new TextEncoder();

/** The one message of a body. */
function openEnvelope(body: Uint8Array, maxBytes: number): Uint8Array {
  if (body.byteLength < ENVELOPE_BYTES) throw new MalformedError("there is no message in the body");
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (length > maxBytes) throw tooLarge(maxBytes);
  const rest = body.byteLength - ENVELOPE_BYTES - length;
  if (rest < 0) throw new MalformedError("the message is cut short");
  if (rest > 0) throw new MalformedError("there is more in the body than one message");
  return body.subarray(ENVELOPE_BYTES);
}

function wrongFlags(flags: number): MalformedError {
  return new MalformedError(`the message has the flags ${flags}, which mean nothing here`);
}

/** Proxies are not to keep a stream back, nor anything of it. */
export const LIVE_HEADERS = { "cache-control": "no-store", "x-accel-buffering": "no" };

async function answer(
  { end, encodingHeader, acceptEncodingHeader }: Protocol,
  headers: Record<string, string>,
  { header }: RpcRequest,
  bytes: Uint8Array,
): Promise<RpcResponse> {
  const isZipped = bytes.byteLength > COMPRESS_BYTES && acceptsGzip(header(acceptEncodingHeader));
  const message = isZipped ? await gzip(bytes) : bytes;
  if (isZipped) headers[encodingHeader] = "gzip";
  if (!end) return { status: 200, headers, body: message };
  const { bytes: last, trailers } = end();
  return {
    status: 200,
    headers,
    body: concat([encodeEnvelope(isZipped ? compressedFlag : 0, message), last]),
    trailers,
  };
}

function fail(protocol: Protocol, headers: Record<string, string>, error: ConnectError): RpcResponse {
  const { end, jsonType, acceptEncodingHeader } = protocol;
  if (error.code === Code.Unimplemented) headers[acceptEncodingHeader] = "gzip";
  if (end) {
    const { bytes, trailers } = end(error);
    return { status: 200, headers, body: bytes, trailers };
  }
  const all = { ...Object.fromEntries(error.metadata), ...headers, "content-type": jsonType };
  return { status: codeToHttpStatus(error.code), headers: all, body: errorToJsonBytes(error, undefined) };
}

/**
 * A gRPC call without trailers looks failed although it was carried out, so it isn't; 404 is then what gRPC clients take
 * for UNIMPLEMENTED.
 */
function refuseGrpc(call: Call): RpcResponse {
  const message = "gRPC needs HTTP/2 and trailers, which this endpoint can't carry; use Connect or gRPC-Web";
  const headers = { "content-type": "application/grpc", "grpc-status": "12", "grpc-message": message };
  call.end(new ConnectError(message, Code.Unimplemented));
  return { status: 404, headers, body: new Uint8Array() };
}
