import type { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { createEndStreamSerialization, endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";

/** How an answer in envelopes ends, after its messages: with bytes, and in gRPC with HTTP's trailers. */
export interface StreamEnd {
  readonly bytes: Uint8Array;
  readonly trailers?: Readonly<Record<string, string>>;
}

const NO_BYTES = new Uint8Array();
const GRPC_OK: StreamEnd = { bytes: NO_BYTES, trailers: { "grpc-status": "0" } };
const endStream = createEndStreamSerialization(undefined);

export function connectEnd(error?: ConnectError): StreamEnd {
  return { bytes: encodeEnvelope(endStreamFlag, endStream.serialize({ metadata: new Headers(), error })) };
}

export function grpcEnd(error?: ConnectError): StreamEnd {
  return error ? { bytes: NO_BYTES, trailers: Object.fromEntries(setTrailerStatus(new Headers(), error)) } : GRPC_OK;
}

export function grpcWebEnd(error?: ConnectError): StreamEnd {
  return { bytes: encodeEnvelope(trailerFlag, trailerSerialize(setTrailerStatus(new Headers(), error))) };
}
