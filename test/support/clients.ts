import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createConnectTransport as createFetchTransport } from "@connectrpc/connect-web";
import { ChatService } from "../../gen/chat_pb.ts";

/** The protocols of the service, each with a client of its own. */
export const transports = {
  "Connect JSON": (baseUrl, ...interceptors) => createFetchTransport({ baseUrl, interceptors }),
  "Connect binary": (baseUrl, ...interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, interceptors }),
  "Connect over h2": (baseUrl, ...interceptors) => createConnectTransport({ baseUrl, httpVersion: "2", interceptors }),
  "gRPC-Web": (baseUrl, ...interceptors) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", interceptors }),
  gRPC: (baseUrl, ...interceptors) => createGrpcTransport({ baseUrl, interceptors }),
} satisfies Record<string, (baseUrl: string, ...interceptors: Interceptor[]) => Transport>;

export type Protocol = keyof typeof transports;
export type ChatClient = Client<typeof ChatService>;

/** A client; one that sends a token or key along, if there is one. */
export function chatClient(protocol: Protocol, baseUrl: string, token?: string): ChatClient {
  const bearer: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createClient(ChatService, transports[protocol](baseUrl, ...(token === undefined ? [] : [bearer])));
}

export { freshId } from "./fresh-id.ts";
