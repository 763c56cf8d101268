import { DurableObject } from "cloudflare:workers";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ListPresenceResSchema, TypingSchema } from "../../gen/chat_pb.ts";
import { ChangeSchema, OutcomeSchema } from "../../gen/room/room_pb.ts";
import { Committer } from "../chat/committer.ts";
import { LibsqlPresence } from "../libsql/presence.ts";
import { DatabaseStubs } from "./database-stubs.ts";
import { ObjectDatabase } from "./object-database.ts";
import { ObjectStore } from "./object-store.ts";
import { ofAnotherVersion, toOutcome } from "./outcomes.ts";
import { RoomPresence } from "./room-presence.ts";
import { SocketPublisher } from "./room-socket.ts";
import { workerConfig } from "./worker-config.ts";

/**
 * A room: has its changes committed, one group after the other, and tells the Workers that hold its readers. Its sockets
 * hibernate, so it sleeps while nobody writes, however many read. Therefore it has no timers but a second's for read
 * positions and a few seconds' for who is here, and an alarm while readers are told who is; and nothing in memory that it
 * can't do without. Only Workers of this script can call it; what they say is protobuf, see proto/room/room.proto.
 */
export class RoomObject extends DurableObject {
  readonly #committer: Committer;
  readonly #presence: RoomPresence;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const config = workerConfig(env);
    const databases = new DatabaseStubs(env.DATABASES, config);
    const publisher = new SocketPublisher(ctx);
    this.#committer = new Committer(new ObjectStore(databases, config.limits), publisher, config);
    const seen = new LibsqlPresence(new ObjectDatabase(databases, config.limits));
    this.#presence = new RoomPresence(
      ctx,
      () => publisher.head,
      (places) => seen.seen(places),
    );
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

  /** Who is here, as a ListPresenceRes: the first, or what is known of users. */
  presence(userIds: bigint[]): Uint8Array {
    return toBinary(ListPresenceResSchema, this.#presence.list(userIds));
  }

  /** Opens a socket that receives what is committed from now on. */
  override fetch(): Response {
    const { 0: worker, 1: own } = new WebSocketPair();
    this.ctx.acceptWebSocket(own);
    return new Response(null, { status: 101, webSocket: worker });
  }

  override async webSocketMessage(socket: WebSocket, text: string | ArrayBuffer): Promise<void> {
    if (typeof text === "string") await this.#presence.hear(socket, text);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#presence.leave(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#presence.leave(socket);
  }

  override async alarm(): Promise<void> {
    await this.#presence.look();
  }
}
