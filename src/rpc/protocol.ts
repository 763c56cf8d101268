import type { ConnectError } from "@connectrpc/connect";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import * as grpcWeb from "@connectrpc/connect/protocol-grpc-web";
import type { Rpc } from "./rpc.ts";
import { connectEnd, grpcEnd, grpcWebEnd, type StreamEnd } from "./stream-end.ts";

/** How a protocol puts a call with one request message into HTTP. */
export interface Protocol {
  /** Of its answers, in JSON and in binary. */
  readonly jsonType: string;
  readonly binaryType: string;
  readonly timeoutHeader: string;
  parseTimeout(value: string | null, maxMs: number): { timeoutMs?: number; error?: ConnectError };
  readonly encodingHeader: string;
  readonly acceptEncodingHeader: string;
  /** Whether it ends with HTTP's trailers. */
  readonly needsTrailers: boolean;
  /** How answers end that consist of envelopes. Without it the body is the one message, or the error in its place. */
  end?(error?: ConnectError): StreamEnd;
}

const connectUnary: Protocol = {
  jsonType: connect.contentTypeUnaryJson,
  binaryType: connect.contentTypeUnaryProto,
  timeoutHeader: "connect-timeout-ms",
  parseTimeout: connect.parseTimeout,
  encodingHeader: "content-encoding",
  acceptEncodingHeader: "accept-encoding",
  needsTrailers: false,
};

const connectStream: Protocol = {
  ...connectUnary,
  jsonType: connect.contentTypeStreamJson,
  binaryType: connect.contentTypeStreamProto,
  encodingHeader: "connect-content-encoding",
  acceptEncodingHeader: "connect-accept-encoding",
  end: connectEnd,
};

const grpcHttp2: Protocol = {
  jsonType: grpc.contentTypeJson,
  binaryType: grpc.contentTypeProto,
  timeoutHeader: "grpc-timeout",
  parseTimeout: grpc.parseTimeout,
  encodingHeader: "grpc-encoding",
  acceptEncodingHeader: "grpc-accept-encoding",
  needsTrailers: true,
  end: grpcEnd,
};

const grpcInBody: Protocol = {
  ...grpcHttp2,
  jsonType: grpcWeb.contentTypeJson,
  binaryType: grpcWeb.contentTypeProto,
  needsTrailers: false,
  end: grpcWebEnd,
};

/** The protocol that a request of a content type speaks, if it is one of the RPC's. */
export function protocolOf(contentType: string, { kind }: Rpc): { protocol: Protocol; isJson: boolean } | undefined {
  const ofConnect = connect.parseContentType(contentType);
  if (ofConnect) {
    if (ofConnect.stream !== (kind === "stream")) return undefined;
    return { protocol: ofConnect.stream ? connectStream : connectUnary, isJson: !ofConnect.binary };
  }
  const ofGrpc = grpc.parseContentType(contentType);
  if (ofGrpc) return { protocol: grpcHttp2, isJson: !ofGrpc.binary };
  const ofWeb = grpcWeb.parseContentType(contentType);
  return ofWeb && !ofWeb.text ? { protocol: grpcInBody, isJson: !ofWeb.binary } : undefined;
}
