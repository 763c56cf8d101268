import { createServer } from "node:http";
import { Server } from "socket.io";
import { serveParent } from "../child.ts";
import { listen } from "../listen.ts";
import { accept, type Send } from "../memory-log.ts";

// A chat server on Socket.IO as one would write it first: rooms in memory, nothing stored.

const http = createServer();

new Server(http, { transports: ["websocket"], serveClient: false }).on("connection", (socket) => {
  const { room } = socket.handshake.query;
  if (typeof room === "string") socket.join(room);
  socket.on("send", (send: Send, answer: (message: object) => void) => {
    const message = accept(send);
    socket.nsp.to(send.roomId).emit("message", message);
    answer(message);
  });
});

serveParent({ url: () => listen(http) });
