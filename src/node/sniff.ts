import type { Socket } from "node:net";

/** What HTTP/2 clients send first; no HTTP/1.1 request can begin like that. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Tells by the first bytes of a connection whether it is HTTP/2, and leaves them there. Who says nothing is dropped. */
export function sniff(socket: Socket, timeoutMs: number, onKnown: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0);
  const drop = () => socket.destroy();
  const read = () => {
    for (let chunk: Buffer | null; (chunk = socket.read()); ) head = Buffer.concat([head, chunk]);
    if (head.length === 0) return;
    const known = Math.min(head.length, HTTP2_PREFACE.length);
    const isHttp2 = head.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known));
    if (isHttp2 && known < HTTP2_PREFACE.length) return;
    socket.off("readable", read).off("end", drop).off("error", drop).off("timeout", drop).setTimeout(0);
    socket.unshift(head);
    onKnown(isHttp2);
  };
  socket.on("readable", read).on("end", drop).on("error", drop).setTimeout(timeoutMs, drop);
}
