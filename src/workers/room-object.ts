import { DurableObject } from "cloudflare:workers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { TypingSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, FailureSchema, type Outcome, OutcomeSchema } from "../../gen/room/room_pb.ts";
import { Committer } from "../chat/committer.ts";
import type { Answers } from "../chat/store.ts";
import { HttpDatabase } from "../libsql/remote/http-database.ts";
import { LibsqlStore } from "../libsql/store.ts";
import { SocketPublisher } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

type OutcomeCase = Outcome["outcome"];

/**
 * A room: commits its changes, one group after the other, and tells the Workers that hold its readers. Its sockets
 * hibernate, so it sleeps while nobody writes, however many read; therefore it has no timers but a second's for read positions, and nothing in memory that
 * it can't do without. Only Workers of this script can call it; what they say is protobuf, see proto/room/room.proto.
 */
export class RoomObject extends DurableObject {
  readonly #committer: Committer;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { databaseUrl, databaseAuthToken, limits } = workerConfig(env);
    const store = new LibsqlStore(new HttpDatabase(databaseUrl, databaseAuthToken, limits.databaseMs), limits);
    this.#committer = new Committer(store, new SocketPublisher(ctx), { limits });
  }

  /** Takes a Change and returns its Outcome. */
  async apply(request: Uint8Array): Promise<Uint8Array> {
    const { change } = fromBinary(ChangeSchema, request);
    const outcome =
      change.case === undefined
        ? failure(new ConnectError("the room runs another version; try again", Code.Unavailable))
        : await this.#committer.apply(change).then(success, failure);
    return toBinary(OutcomeSchema, create(OutcomeSchema, { outcome }));
  }

  /** Takes a Typing. */
  async type(typing: Uint8Array, memberSeq: bigint): Promise<void> {
    await this.#committer.type(fromBinary(TypingSchema, typing), memberSeq);
  }

  /** Opens a socket that receives what is committed from now on. */
  override fetch(): Response {
    const { 0: worker, 1: own } = new WebSocketPair();
    this.ctx.acceptWebSocket(own);
    return new Response(null, { status: 101, webSocket: worker });
  }
}

function success(answer: Answers[keyof Answers]): OutcomeCase {
  switch (answer.$typeName) {
    case "chat_grpc.Message":
      return { case: "message", value: answer };
    case "chat_grpc.Member":
      return { case: "member", value: answer };
    case "chat_grpc.Room":
      return { case: "room", value: answer };
  }
}

function failure(reason: unknown): OutcomeCase {
  const { code, rawMessage } = ConnectError.from(reason, Code.Internal);
  return { case: "failure", value: create(FailureSchema, { code, message: rawMessage }) };
}
