import { DurableObject } from "cloudflare:workers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { SendMessageReqSchema } from "../../gen/chat_pb.ts";
import { SendResultSchema } from "../../gen/room_object/room_object_pb.ts";
import { Committer } from "../chat/committer.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { RemoteDatabase } from "../libsql/remote.ts";
import { PING, PONG, SocketPublisher } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

/**
 * A room: commits its sends, one group after the other, and tells the Workers that hold its readers. Its sockets
 * hibernate, so it sleeps while nobody writes, however many read; therefore it has no timers, and nothing in memory that
 * it can't do without.
 */
export class RoomObject extends DurableObject {
  readonly #committer: Committer;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    const { databaseUrl, databaseAuthToken } = workerConfig(env);
    const store = new LibsqlStore(new RemoteDatabase(databaseUrl, databaseAuthToken));
    this.#committer = new Committer(store, new SocketPublisher(ctx));
  }

  /** Takes a SendMessageReq and returns a SendResult, both in protobuf. Only Workers of this script can call it. */
  async send(request: Uint8Array): Promise<Uint8Array> {
    const result = await this.#committer.send(fromBinary(SendMessageReqSchema, request)).then(
      (message) => ({ case: "message", value: message }) as const,
      (reason) => {
        const { code, rawMessage } = ConnectError.from(reason, Code.Internal);
        return { case: "failure", value: { code, message: rawMessage } } as const;
      },
    );
    return toBinary(SendResultSchema, create(SendResultSchema, { result }));
  }

  /** Opens a socket that receives what is committed from now on. */
  override fetch(): Response {
    const { 0: worker, 1: own } = new WebSocketPair();
    this.ctx.acceptWebSocket(own);
    return new Response(null, { status: 101, webSocket: worker });
  }
}
