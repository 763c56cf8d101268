import { DurableObject } from "cloudflare:workers";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { TypingSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, OutcomeSchema } from "../../gen/room/room_pb.ts";
import { Committer } from "../chat/committer.ts";
import { DatabaseStubs } from "./database-stubs.ts";
import { ObjectStore } from "./object-store.ts";
import { ofAnotherVersion, toOutcome } from "./outcomes.ts";
import { SocketPublisher } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

/**
 * A room: has its changes committed, one group after the other, and tells the Workers that hold its readers. Its sockets
 * hibernate, so it sleeps while nobody writes, however many read. Therefore it has no timers but a second's for read
 * positions, and nothing in memory that it can't do without. Only Workers of this script can call it; what they say is
 * protobuf, see proto/room/room.proto.
 */
export class RoomObject extends DurableObject {
  readonly #committer: Committer;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const config = workerConfig(env);
    const store = new ObjectStore(new DatabaseStubs(env.DATABASES, config), config.limits);
    this.#committer = new Committer(store, new SocketPublisher(ctx), config);
  }

  /** Takes a Change and returns its Outcome. */
  async apply(request: Uint8Array): Promise<Uint8Array> {
    const { change, isOfUser } = fromBinary(ChangeSchema, request);
    const result =
      change.case === undefined
        ? ofAnotherVersion()
        : await this.#committer.apply(change, isOfUser).catch((e: unknown) => ConnectError.from(e, Code.Internal));
    return toBinary(OutcomeSchema, toOutcome(result));
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
