import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { readAllBytes, type UniversalHandler, type UniversalServerRequest } from "@connectrpc/connect/protocol";
import { REQUEST_BYTES } from "../chat/limits.ts";

const ENVELOPE_BYTES = 5;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a request's one message before Connect does. Connect answers a message that is not protobuf, and a body that
 * breaks off, with INTERNAL as if the server were at fault, and stores replacement characters for JSON that is not
 * UTF-8. An error that the body throws is passed on as it is.
 */
export function withCheckedRequest(handler: UniversalHandler): UniversalHandler {
  const { methodKind } = handler.method;
  if (methodKind !== "unary" && methodKind !== "server_streaming") return handler;
  const handle = (request: UniversalServerRequest) => handler({ ...request, body: checkedBody(request, handler) });
  return Object.assign(handle, handler);
}

async function* checkedBody({ body, header }: UniversalServerRequest, handler: UniversalHandler) {
  const contentType = header.get("content-type") ?? "";
  const isEnveloped = /^application\/(grpc|connect)/.test(contentType);
  let bytes: Uint8Array;
  try {
    bytes = await readAllBytes(
      body as AsyncIterable<Uint8Array>,
      REQUEST_BYTES + (isEnveloped ? ENVELOPE_BYTES : 0),
      header.get("content-length"),
    );
  } catch (e) {
    throw e instanceof ConnectError ? e : new ConnectError("the request broke off", Code.Canceled, undefined, undefined, e);
  }
  const isCompressed = isEnveloped ? (bytes[0]! & 1) === 1 : header.has("content-encoding");
  if (!isCompressed) {
    const message = isEnveloped ? bytes.subarray(ENVELOPE_BYTES) : bytes;
    try {
      if (contentType.includes("json")) strictUtf8.decode(message);
      else fromBinary(handler.method.input, message);
    } catch (e) {
      const reason = e instanceof Error ? e.message : String(e);
      throw new ConnectError(`not a ${handler.method.input.typeName}: ${reason}`, Code.InvalidArgument);
    }
  }
  yield bytes;
}
