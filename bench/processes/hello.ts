import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// The least a Node server can do before it answers.

const server = createServer((request, response) => {
  request.resume().on("end", () => response.end("{}"));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
