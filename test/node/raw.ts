import { request as requestHttp1 } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";

/** Calls made of bytes, below what any client library would send. */

export interface RawRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export function http1(
  url: string,
  { path, method = "POST", headers = {}, body = new Uint8Array() }: RawRequest,
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const request = requestHttp1(`${url}${path}`, { method, headers: { ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
      response.once("end", () => {
        const { statusCode, headers, trailers } = response;
        resolve({ status: statusCode!, headers, trailers, body: Buffer.concat(chunks) });
      });
    });
    request.once("error", reject).end(body);
  });
}

export async function http2(url: string, request: RawRequest): Promise<RawResponse> {
  const session = connectHttp2(url);
  try {
    return await http2Request(session, request);
  } finally {
    session.destroy();
  }
}

export function http2Request(
  session: ClientHttp2Session,
  { path, method = "POST", headers = {}, body = new Uint8Array() }: RawRequest,
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const request = session.request({ ":path": path, ":method": method, ...headers }, { endStream: body.length === 0 });
    const chunks: Buffer[] = [];
    let answer: Record<string, string | string[] | undefined> = {};
    let trailers: Record<string, string | string[] | undefined> = {};
    session.once("error", reject);
    request.once("error", reject).on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("response", (headers, flags) => {
      answer = headers as typeof answer;
      if (flags & constants.NGHTTP2_FLAG_END_STREAM) trailers = answer;
    });
    request.once("trailers", (headers) => void (trailers = headers as typeof trailers));
    request.once("close", () => {
      resolve({ status: Number(answer[":status"] ?? 0), headers: answer, trailers, body: Buffer.concat(chunks) });
    });
    if (body.length > 0) request.end(body);
  });
}

/** Writes the chunks to a socket of its own, a packet each, and gives what came back until the server hung up. */
export async function socketExchange(url: string, chunks: readonly (string | Uint8Array)[]): Promise<Buffer> {
  const socket = await openSocket(url);
  const received: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("data", (chunk) => received.push(chunk));
  for (const chunk of chunks) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(chunk, () => setImmediate(resolve)));
  }
  await closed;
  return Buffer.concat(received);
}

/** A connection; one that breaks only closes. */
export function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => {
      resolve(socket);
    });
    socket.on("error", reject);
  });
}

export function envelope(data: Uint8Array, flags = 0, length = data.length): Buffer<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, data]);
}

/** Splits a body into enveloped messages. */
export function envelopes(body: Buffer): { flags: number; data: Buffer }[] {
  const messages = [];
  for (let offset = 0; offset + 5 <= body.length; ) {
    const end = offset + 5 + body.readUInt32BE(offset + 1);
    messages.push({ flags: body[offset]!, data: body.subarray(offset + 5, end) });
    offset = end;
  }
  return messages;
}

function http1With(headers: Record<string, string>): typeof http1 {
  return (url, request) => http1(url, { ...request, headers: { ...headers, ...request.headers } });
}

/** The origin of a page that may call, if it is listed in CORS_ORIGINS. */
export const PAGE = "https://app.example.com";

/** The ways to carry a request message, with all that a call needs beside its bytes. */
export const carriers = {
  "Connect JSON": { send: http1, contentType: "application/json", streamType: "application/connect+json" },
  "Connect JSON in chunks": {
    send: http1With({ "transfer-encoding": "chunked" }),
    contentType: "application/json",
    streamType: "application/connect+json",
  },
  "Connect JSON from a page": {
    send: http1With({ origin: PAGE }),
    contentType: "application/json",
    streamType: "application/connect+json",
  },
  "Connect binary": { send: http1, contentType: "application/proto", streamType: "application/connect+proto" },
  "Connect over h2": { send: http2, contentType: "application/proto", streamType: "application/connect+proto" },
  "gRPC-Web": { send: http1, contentType: "application/grpc-web+proto", streamType: "application/grpc-web+proto" },
  "gRPC-Web JSON": { send: http1, contentType: "application/grpc-web+json", streamType: "application/grpc-web+json" },
  gRPC: { send: http2, contentType: "application/grpc", streamType: "application/grpc" },
  "gRPC JSON": { send: http2, contentType: "application/grpc+json", streamType: "application/grpc+json" },
} as const;

export type Carrier = keyof typeof carriers;

/** How a call ended: "ok", a code as Connect spells it, or the HTTP status where the answer has none. */
export function outcome({ status, headers, trailers, body }: RawResponse): string {
  const type = `${headers["content-type"]}`;
  if (status !== 200 && !type.startsWith("application/json")) return `http ${status}`;
  let error: { code: string } | undefined;
  if (type.startsWith("application/grpc-web")) {
    const end =
      envelopes(body)
        .find(({ flags }) => flags & 0x80)
        ?.data.toString() ?? `grpc-status: ${headers["grpc-status"]}`;
    return grpcCode(/grpc-status: *(\d+)/i.exec(end)?.[1]);
  }
  if (type.startsWith("application/grpc")) return grpcCode(trailers["grpc-status"]);
  if (type.startsWith("application/connect"))
    error = JSON.parse(
      envelopes(body)
        .find(({ flags }) => flags & 2)!
        .data.toString(),
    ).error;
  else if (status !== 200) {
    if (body.length === 0) return `http ${status}`;
    error = JSON.parse(body.toString());
  }
  if (error === undefined) return "ok";
  if (codeFromString(error.code) === undefined) throw new Error(`no such code: ${error.code}`);
  return error.code;
}

function grpcCode(status: unknown): string {
  if (status === "0") return "ok";
  const name = Code[Number(status)];
  if (name === undefined) throw new Error(`no gRPC status: ${status}`);
  return name.replace(/(?<=[a-z])[A-Z]/g, "_$&").toLowerCase();
}
