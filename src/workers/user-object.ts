import { DurableObject } from "cloudflare:workers";

/** Closes the socket of a stream whose token was revoked. */
export const REVOKED = 4001;
/** Refuses one too many, and one whose token was revoked. */
export const TOO_MANY = 429;
export const UNAUTHORIZED = 401;

export const PING = "ping";

const TOKENS_FROM = "tokensFrom";

/**
 * A user, or a token without one: counts the streams that are open, each of which has a socket here, and ends those whose
 * tokens are revoked. It sleeps in between. Only Workers of this script can call it.
 */
export class UserObject extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, "pong"));
  }

  /** Opens the socket of a stream, if there are fewer than `max`, and the token that was issued at `issuedAt` counts. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const issuedAt = Number(searchParams.get("issuedAt"));
    // A Worker may have looked at the revocations a moment before the last one.
    const tokensFrom = await this.ctx.storage.get<number>(TOKENS_FROM);
    if (tokensFrom !== undefined && issuedAt < tokensFrom) return new Response(null, { status: UNAUTHORIZED });
    const open = this.ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
    if (open.length >= Number(searchParams.get("max"))) return new Response(null, { status: TOO_MANY });
    const { 0: worker, 1: own } = new WebSocketPair();
    own.serializeAttachment(issuedAt);
    this.ctx.acceptWebSocket(own);
    return new Response(null, { status: 101, webSocket: worker });
  }

  /** Tokens of before a time don't count any more. */
  async revoked(issuedBefore: number): Promise<void> {
    const tokensFrom = (await this.ctx.storage.get<number>(TOKENS_FROM)) ?? 0;
    if (issuedBefore <= tokensFrom) return;
    await this.ctx.storage.put(TOKENS_FROM, issuedBefore);
    for (const socket of this.ctx.getWebSockets()) {
      if ((socket.deserializeAttachment() as number) < issuedBefore) socket.close(REVOKED, "revoked");
    }
  }
}
