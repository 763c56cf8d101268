import type { Call } from "./call.ts";
import type { RpcResponse } from "./codec.ts";
import { isRead } from "./rpc.ts";

const utf8 = new TextEncoder();

/** Answers a request that is no call, in words for a person; its record says which of HTTP's reasons it was. */
export function refuseNoCall(call: Call, status: 405 | 415): RpcResponse & { readonly body: Uint8Array } {
  const { rpc, requestId } = call;
  const methods = isRead(rpc) ? "GET, POST" : "POST";
  const type = { unary: "application/json", stream: "application/connect+json", exchange: "application/grpc" }[
    rpc.kind
  ];
  const others = rpc.kind === "exchange" ? "" : ", or another one of Connect, gRPC-Web or gRPC";
  const message =
    status === 405
      ? `use ${methods.replace(",", " or")}`
      : `use the content type ${type}${others}; curl needs -H 'content-type: ${type}'`;
  call.refuse(status === 405 ? "method_not_allowed" : "unsupported_media_type");
  const headers = {
    "content-type": "application/json",
    "x-request-id": requestId,
    ...(status === 405 ? { allow: methods } : { "accept-post": type }),
  };
  return { status, headers, body: utf8.encode(JSON.stringify({ code: "unimplemented", message })) };
}
