import type { ServerHttp2Stream } from "node:http2";

/**
 * Resolves when the stream's connection has sent what it was given, or the stream has ended. On Node that is always so,
 * because a stream feels its connection; Deno's streams only feel HTTP/2's flow control, so that a client which opened
 * its window wide and doesn't read would make the connection's buffer grow without end.
 */
export async function connectionDrained(stream: ServerHttp2Stream): Promise<void> {
  const { session } = stream;
  if (!session || session.destroyed || !session.socket.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off("close", done);
      if (!session.destroyed) session.socket.off("drain", done);
      resolve();
    };
    stream.on("close", done);
    session.socket.on("drain", done);
  });
}

/** The same chunks, each taken only when the connection has sent the one before. */
export function paced(chunks: AsyncIterable<Uint8Array>, stream: ServerHttp2Stream): AsyncIterable<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => connectionDrained(stream).then(() => source.next()),
    return: () => source.return!(),
    throw: (e) => source.throw!(e),
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

export function pacedResponse(response: Response, stream: ServerHttp2Stream): Response {
  if (!response.body) return response;
  const source = response.body.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await connectionDrained(stream);
        const { done, value } = await source.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => source.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
