/** How long a socket may take to open, in milliseconds. */
const DIAL_MS = 5_000;

/** Opens a socket to an object; gives the response instead, if the object refuses one. */
export async function dial(object: Fetcher, url = "https://object/"): Promise<WebSocket | Response> {
  // Not AbortSignal.timeout(), which would also close a socket that is open by then.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), DIAL_MS);
  const init = { headers: { upgrade: "websocket" }, signal: abort.signal };
  const response = await object.fetch(url, init).finally(() => clearTimeout(timer));
  const { webSocket } = response;
  if (!webSocket) return response;
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return webSocket;
}
