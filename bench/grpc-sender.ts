import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { SendMessageReqSchema } from "../gen/chat_pb.ts";
import { CONTENT_TYPES, envelope, SEND_PATH } from "./bytes.ts";
import { type Sender, sendOf, type Target, Template } from "./sender.ts";

/** Calls on a connection that others share. */
class GrpcSender implements Sender {
  readonly #session: ClientHttp2Session;
  readonly #template: Template;
  readonly #headers;

  constructor(session: ClientHttp2Session, target: Target, room: bigint) {
    const request = fromJson(SendMessageReqSchema, sendOf(target, room));
    this.#session = session;
    this.#template = new Template(envelope(toBinary(SendMessageReqSchema, request)));
    this.#headers = {
      ":method": "POST",
      ":path": SEND_PATH,
      "content-type": CONTENT_TYPES.grpc,
      te: "trailers",
      "grpc-accept-encoding": "identity",
      "user-agent": "grpc-go/1.80.0",
      ...target.headers,
    };
  }

  send(due: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let status: unknown;
      let length = 0;
      const stream = this.#session.request(this.#headers);
      // A response without a message has its status in its headers.
      stream.on("response", (headers) => (status = headers["grpc-status"]));
      stream.on("data", (chunk: Buffer) => (length += chunk.length));
      stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
      stream.on("error", reject);
      stream.on("close", () => {
        if (status === "0" && length > 0) resolve();
        else reject(new Error(`grpc-status ${status}, ${length} bytes`));
      });
      stream.end(this.#template.next(due));
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

export async function openGrpcSenders(target: Target, room: bigint): Promise<Sender[]> {
  const session = connect(target.url, { settings: { enablePush: false } });
  await once(session, "connect");
  return Array.from({ length: target.sendersOfAConnection ?? 1 }, () => new GrpcSender(session, target, room));
}
