import { SEND_PATH } from "./bytes.ts";
import { sendOf, type Target, Template } from "./sender.ts";
import { SocketSender } from "./socket-sender.ts";

/** Speaks Connect JSON. */
export class Http1Sender extends SocketSender {
  readonly #template: Template;
  readonly #allowed: string;
  #response = "";

  constructor(target: Target, room: bigint) {
    super(target.url);
    const { headers = {} } = target;
    const body = JSON.stringify(sendOf(target, room));
    const all = { Host: "127.0.0.1", "Content-Type": "application/json", ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#template = new Template(
      Buffer.from(
        `POST ${SEND_PATH} HTTP/1.1\r\n${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    );
    this.#allowed = headers.Origin === undefined ? "" : `access-control-allow-origin: ${headers.Origin}\r\n`;
  }

  send(due: number): Promise<void> {
    return this.call(this.#template.next(due));
  }

  protected receive(bytes: Buffer): void {
    this.#response += bytes.toString("latin1");
    const head = this.#response.indexOf("\r\n\r\n");
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(this.#response);
    if (!length || this.#response.length < head + 4 + Number(length[1])) return;
    const response = this.#response;
    this.#response = "";
    this.answer(response.startsWith("HTTP/1.1 200") && this.#isAllowed(response) ? undefined : response);
  }

  /** Whether the page that a browser's headers name may read the answer; else a browser would have thrown it away. */
  #isAllowed(response: string): boolean {
    return this.#allowed === "" || response.toLowerCase().includes(this.#allowed);
  }
}
