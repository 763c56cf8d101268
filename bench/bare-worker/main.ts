import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly ROOMS: DurableObjectNamespace<BareRoom>;
}

/** As many bytes as news of a message have, and the message in JSON in its envelope. */
const NEWS = new Uint8Array(141);
const FRAME = envelope(`{"body":"${"x".repeat(223)}"}`);

/** An object that tells everybody the same. */
export class BareRoom extends DurableObject<Env> {
  send(): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(NEWS);
  }

  override fetch(): Response {
    const { 0: worker, 1: own } = new WebSocketPair();
    this.ctx.acceptWebSocket(own);
    return new Response(null, { status: 101, webSocket: worker });
  }
}

let rooms = 0;

/** The least that a Worker can do for readers of a room: pass on bytes that it has, when its object tells it to. */
export default {
  async fetch(request, { ROOMS }) {
    const method = new URL(request.url).pathname.split("/").at(-1);
    if (method === "CreateChatRoom") return Response.json({ id: `${++rooms}` });
    const { roomId, roomIds } = parse(await request.text());
    const room = ROOMS.getByName(`${roomId ?? roomIds![0]}`);
    if (method === "SendMessage") {
      await room.send();
      return Response.json({ id: "1" });
    }
    const { webSocket } = await room.fetch("https://room/", { headers: { upgrade: "websocket" } });
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    webSocket!.accept();
    webSocket!.addEventListener("message", () => void writer.write(FRAME).catch(() => {}));
    return new Response(readable, { headers: { "content-type": "application/connect+json" }, encodeBody: "manual" });
  },
} satisfies ExportedHandler<Env>;

/** A message in JSON, perhaps in an envelope. */
function parse(text: string): { readonly roomId?: string; readonly roomIds?: readonly string[] } {
  return JSON.parse(text.slice(text.indexOf("{")));
}

function envelope(json: string): Uint8Array {
  const data = new TextEncoder().encode(json);
  const bytes = new Uint8Array(5 + data.byteLength);
  new DataView(bytes.buffer).setUint32(1, data.byteLength);
  bytes.set(data, 5);
  return bytes;
}
