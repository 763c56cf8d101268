import { type ClientHttp2Session, connect } from "node:http2";
import { streamRequest } from "./bytes.ts";
import { type CallOptions, envelopes, type StreamEvents, streamHeaders } from "./wire.ts";

/** An HTTP/2 connection for many calls of readers. */
export function sharedConnection(url: string, failed: (reason: string) => void): ClientHttp2Session {
  const session = connect(url, { settings: { enablePush: false } });
  session.setMaxListeners(0); // its streams all wait for it to connect
  return session.on("error", (e) => failed(e.message));
}

export function sharedCall(
  session: ClientHttp2Session,
  options: Omit<CallOptions, "protocol">,
  events: StreamEvents,
): void {
  const call = { ...options, protocol: "grpc" } as const;
  const content = envelopes(events);
  const stream = session.request(streamHeaders(call));
  stream.on("response", (headers) => {
    if (headers[":status"] === 200 && headers["grpc-status"] === undefined) events.opened();
    else events.ended(`status ${headers[":status"]}, grpc-status ${headers["grpc-status"]}`);
  });
  stream.on("data", (chunk: Buffer) => content.push(chunk));
  stream.on("error", (e) => events.ended(e.message));
  stream.on("close", () => events.ended("the stream was closed"));
  stream.end(streamRequest(call.rooms, call));
}
