import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { alternate, type Context, medianOf } from "./harness.ts";

const ROUNDS = 5;
const PATH = "/chat_grpc.ChatService/CreateChatRoom";

/** From the start of the process to its first answer, with a new database file. */
export async function start({ directory, report }: Context): Promise<void> {
  let starts = 0;
  const roomlog = () => timeToAnswer("../src/node/main.ts", `file:${join(directory, `start-${++starts}.db`)}`);
  const hello = () => timeToAnswer("processes/hello.ts", "");
  await roomlog();
  await hello();
  const { ours, ceiling } = await alternate(ROUNDS, { ours: roomlog, ceiling: hello });
  const row = (name: string, pick: (result: Awaited<ReturnType<typeof roomlog>>) => number) =>
    report({
      name: `start: ${name}`,
      ours: medianOf(ours, pick),
      ceiling: medianOf(ceiling, pick),
      unit: "ms",
      better: "less",
    });
  row("until it listens", (run) => run.listening);
  row("until the first answer", (run) => run.answered);
}

async function timeToAnswer(script: string, databaseUrl: string): Promise<{ listening: number; answered: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, script)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", DATABASE_URL: databaseUrl, LOG_LEVEL: "warning" },
  });
  const exited = once(child, "exit");
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const listening = performance.now() - started;
    const response = await fetch(`${line.slice(line.indexOf("http"))}${PATH}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"postId":"1","userId":"1"}',
    });
    await response.text();
    if (!response.ok) throw new Error(`${script} answers ${response.status}`);
    return { listening, answered: performance.now() - started };
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}
