import type { Peer } from "./bytes.ts";
import { sendOf, type Target, Template } from "./sender.ts";
import { SocketSender } from "./socket-sender.ts";
import { clientFrame, websocketCall } from "./websocket.ts";
import type { Call } from "./wire.ts";

/** How a call and its answer begin and end; both carry the call's number, 1, as a client with many calls needs. */
const FORMS: Record<Peer, { readonly call: readonly [string, string]; readonly answer: string }> = {
  ws: { call: ['{"call":1,"message":', "}"], answer: '{"call":1,"message":{' },
  "socket-io": { call: ['421["send",', "]"], answer: "431[{" },
};

/** Sends to a server of another maker. */
export class WebsocketSender extends SocketSender {
  readonly #template: Template;
  readonly #call: Call;

  constructor(peer: Peer, target: Target, room: bigint) {
    super(target.url);
    const { call, answer } = FORMS[peer];
    this.#template = new Template(Buffer.from(call.join(JSON.stringify(sendOf(target, room)))));
    this.#call = websocketCall(peer, {
      opened: () => this.answer(),
      message: (payload) => {
        const text = payload.toString("latin1");
        this.answer(text.startsWith(answer) ? undefined : text);
      },
      ended: (reason) => this.answer(reason),
    });
  }

  override async open(): Promise<this> {
    await super.open();
    await this.call(this.#call.request);
    return this;
  }

  send(due: number): Promise<void> {
    return this.call(clientFrame(this.#template.next(due)));
  }

  protected receive(bytes: Buffer): void {
    this.#call.receive(bytes, (reply) => this.write(reply));
  }
}
