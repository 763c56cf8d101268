import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createConnectTransport as createFetchTransport } from "@connectrpc/connect-web";
import { ChatService } from "../../gen/chat_pb.ts";

/** The protocols of the service, each with a client of its own. */
export const transports = {
  "Connect JSON": (baseUrl: string) => createFetchTransport({ baseUrl }),
  "Connect binary": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "Connect over h2": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "gRPC-Web": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
} satisfies Record<string, (baseUrl: string) => Transport>;

export type Protocol = keyof typeof transports;
export type ChatClient = Client<typeof ChatService>;

export function chatClient(protocol: Protocol, baseUrl: string): ChatClient {
  return createClient(ChatService, transports[protocol](baseUrl));
}

export { freshId } from "./fresh-id.ts";
