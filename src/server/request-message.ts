import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { readAllBytes, type UniversalHandler, type UniversalServerRequest } from "@connectrpc/connect/protocol";
import { REQUEST_BYTES } from "../chat/limits.ts";

/** What comes before each message of a stream: a byte of flags, and the message's length. */
export const ENVELOPE_BYTES = 5;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a request's one message before Connect does. Connect answers a message that is not protobuf or is flagged as
 * compressed, and a body that breaks off, with INTERNAL as if the server were at fault, and stores replacement
 * characters for JSON that is not UTF-8. An error that the body throws is passed on as it is.
 */
export function withCheckedRequest(handler: UniversalHandler): UniversalHandler {
  const { methodKind } = handler.method;
  if (methodKind !== "unary" && methodKind !== "server_streaming") return handler;
  const handle = (request: UniversalServerRequest) => handler({ ...request, body: checkedBody(request, handler) });
  return Object.assign(handle, handler);
}

async function* checkedBody({ body, header, signal }: UniversalServerRequest, { method }: UniversalHandler) {
  const contentType = header.get("content-type")?.toLowerCase() ?? "";
  const isEnveloped = /^application\/(grpc|connect)/.test(contentType);
  let bytes: Uint8Array;
  try {
    bytes = await readAllBytes(
      body as AsyncIterable<Uint8Array>,
      REQUEST_BYTES + (isEnveloped ? ENVELOPE_BYTES : 0),
      header.get("content-length"),
    );
  } catch (e) {
    void discard(body as AsyncIterable<Uint8Array>);
    // A limit was exceeded; otherwise the connection has ended, whatever the runtime calls it.
    throw e instanceof ConnectError && e.code !== Code.Aborted ? e : brokeOff(e);
  }
  // Some runtimes end the body of a client that left as if it were whole.
  if (signal.aborted) throw brokeOff(signal.reason);
  if (isEnveloped && bytes[0]) {
    throw new ConnectError(
      `the message has the flags ${bytes[0]}; only plain ones (0) are taken`,
      Code.InvalidArgument,
    );
  }
  const message = isEnveloped ? firstOf(bytes) : bytes;
  try {
    if (contentType.includes("json")) strictUtf8.decode(message);
    else fromBinary(method.input, message);
  } catch (e) {
    const reason = e instanceof Error ? e.message : String(e);
    throw new ConnectError(`not a ${method.input.typeName}: ${reason}`, Code.InvalidArgument);
  }
  yield bytes;
}

/** Reads on for a while, so that a connection that is kept can carry the next request. */
async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  let rest = 4 * REQUEST_BYTES;
  try {
    for await (const chunk of body) if ((rest -= chunk.byteLength) < 0) break;
  } catch {
    // The connection has ended.
  }
}

/** The first enveloped message, or what there is of it. */
function firstOf(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength < ENVELOPE_BYTES) return new Uint8Array();
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  return bytes.subarray(ENVELOPE_BYTES, ENVELOPE_BYTES + length);
}

export function brokeOff(cause?: unknown): ConnectError {
  return new ConnectError("the request broke off", Code.Canceled, undefined, undefined, cause);
}
