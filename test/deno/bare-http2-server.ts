import { createServer } from "node:http2";
import process from "node:process";

// Nothing of Roomlog's, so that what ends this process is Deno's own.
const server = createServer((_request, response) => response.end("ok"));

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the server has no port");
  console.log(address.port);
});

// The pipe closes with the process at its other end, however that one ends.
process.stdin.once("end", () => process.exit()).resume();
