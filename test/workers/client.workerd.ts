import { exports } from "cloudflare:workers";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ChatService } from "../../gen/chat_pb.ts";

/** A client of the Worker, for tests in its isolate. */
export const client = createClient(
  ChatService,
  createConnectTransport({
    baseUrl: "https://roomlog.test",
    // workerd refuses the redirect mode that the transport asks for.
    fetch: (input, init) => exports.default.fetch(new Request(input, { ...init, redirect: "manual" })),
  }),
);
