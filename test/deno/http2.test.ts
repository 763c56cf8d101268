import { spawn } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Where the fault strikes is up to the heap: nearly every server dies of these numbers, but not every one. */
const SERVERS = 8;
const CONNECTIONS = 4;
const CALLS_PER_CONNECTION = 1000;

/** For a server that neither answers nor dies, in milliseconds. */
const SERVER_TIMEOUT = 10_000;
/** For a server to die once all clients are gone, in milliseconds. It takes a few. */
const LAST_WORDS = 500;

/** What a program gets that has spoilt its own memory. */
const CRASHES: readonly unknown[] = ["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL"];

test("Deno dies of HTTP/2 clients that hang up after many calls", { timeout: 120_000 }, async () => {
  const outcomes: string[] = [];
  while (outcomes.length < SERVERS && !CRASHES.includes(outcomes.at(-1))) {
    await using server = await startBareServer();
    const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => callAndHangUp(server.url)));
    const survived = `survived ${answers.reduce((sum, each) => sum + each)} calls`;
    outcomes.push(await Promise.race([server.outcome, sleep(LAST_WORDS, survived)]));
  }
  expect(
    CRASHES,
    outcomes.every((outcome) => outcome === `survived ${CONNECTIONS * CALLS_PER_CONNECTION} calls`)
      ? `Deno's node:http2 is mended: ${SERVERS} servers survived, and HTTP/2 can be offered on Deno again`
      : `Deno's node:http2 ended unlike a crash: ${outcomes.join(", ")}`,
  ).toContain(outcomes.at(-1));
});

/** A Deno process with an HTTP/2 server and nothing else. */
async function startBareServer(): Promise<{ url: string; outcome: Promise<string> } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  // Where core dumps go, if the system keeps them.
  const directory = stack.use(await temporaryDirectory());
  const deno = join(import.meta.dirname, "../../node_modules/.bin/deno");
  const main = join(import.meta.dirname, "bare-http2-server.ts");
  const child = spawn(deno, ["run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1:0", main], {
    cwd: directory.path,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: SERVER_TIMEOUT,
    killSignal: "SIGKILL",
  });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  const outcome = once(child, "close").then(([code, signal]) => String(signal ?? `exit ${code}: ${errors}`));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  stack.defer(async () => {
    process.off("exit", kill);
    kill();
    await outcome;
  });
  const ready = once(createInterface({ input: child.stdout }), "line").then(([port]) => `http://127.0.0.1:${port}`);
  const ended = outcome.then((outcome) => Promise.reject(new Error(`deno ended before it was ready: ${outcome}`)));
  ended.catch(() => {});
  const url = await Promise.race([ready, ended]);
  const resources = stack.move();
  return { url, outcome, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Calls one after the other, then a polite goodbye. Returns how many were answered: less when the server dies. */
async function callAndHangUp(url: string): Promise<number> {
  const client = connect(url);
  const closed = new Promise((resolve) => client.once("close", resolve));
  client.on("error", () => {});
  let answered = 0;
  for (let calls = 0; calls < CALLS_PER_CONNECTION && !client.destroyed; calls++) {
    if (await call(client)) answered++;
  }
  client.close();
  await closed;
  return answered;
}

async function call(client: ClientHttp2Session): Promise<boolean> {
  let ok = false;
  const stream = client.request().on("error", () => {});
  stream.once("response", (headers) => (ok = headers[":status"] === 200));
  await new Promise((resolve) => stream.resume().once("close", resolve));
  return ok;
}
