import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { serveParent } from "../child.ts";
import { listen } from "../listen.ts";
import { accept, type Send } from "../memory-log.ts";

// A chat server on ws as one would write it first: rooms in memory, nothing stored.

const rooms = new Map<string, Set<WebSocket>>();
const http = createServer();

new WebSocketServer({ server: http }).on("connection", (socket, { url }) => {
  const room = new URL(url!, "http://localhost").searchParams.get("room");
  if (room !== null) follow(room, socket);
  socket.on("message", (data) => {
    const { call, message } = JSON.parse(data.toString()) as { call: number; message: Send };
    const text = JSON.stringify(accept(message));
    // Bytes, so that they are encoded once.
    const bytes = Buffer.from(text);
    for (const reader of rooms.get(message.roomId) ?? []) reader.send(bytes, { binary: false });
    socket.send(`{"call":${call},"message":${text}}`);
  });
});

function follow(name: string, socket: WebSocket): void {
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  socket.once("close", () => room.delete(socket));
}

serveParent({ url: () => listen(http) });
