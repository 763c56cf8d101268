import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import manifest from "../package.json" with { type: "json" };
import { alternateWarm, type Context, median, sleep } from "./harness.ts";

const ROUNDS = 5;
const PATH = "/chat_grpc.ChatService/CreateChatRoom";
/** By then it has also done what it put off. */
const SETTLE_MS = 1_000;
const RSS_MIB = 140;
const CPU_SECONDS = 0.6;
/** The kernel counts CPU in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** What `npm start` runs: flags of Node, and the program. */
const OURS = manifest.scripts.start.split(" ").slice(1);
const HELLO = [join(import.meta.dirname, "processes/hello.ts")];

/** The process and the URL it listens on, and how many milliseconds that took. */
interface Started {
  readonly pid: number;
  readonly url: string;
  readonly listening: number;
}

/** From the start of the process to its first answer, with a new database file; and what it takes when nobody calls. */
export async function start({ directory, report }: Context): Promise<void> {
  let starts = 0;
  const compare = async <T>(measure: (started: Started) => Promise<T>) => {
    const sides = {
      ours: () => withProcess(OURS, `file:${join(directory, `start-${++starts}.db`)}`, measure),
      ceiling: () => withProcess(HELLO, "", measure),
    };
    return alternateWarm(ROUNDS, sides);
  };
  const row = (name: string, results: { ours: number[]; ceiling: number[] }, unit: string, target?: number) =>
    report({
      name: `start: ${name}`,
      ours: median(results.ours),
      ceiling: median(results.ceiling),
      unit,
      better: "less",
      ...(target !== undefined && { target: { ours: target } }),
    });
  row("until it listens", await compare(async ({ listening }) => listening), "ms");
  row("until the first answer", await compare(firstAnswer), "ms");
  row("memory a second after it listens", await compare(memory), "MiB", RSS_MIB);
  row("CPU until a second after it listens", await compare(cpu), "s", CPU_SECONDS);
}

async function firstAnswer({ url, listening }: Started): Promise<number> {
  const start = performance.now();
  const response = await fetch(`${url}${PATH}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"postId":"1","userId":"1"}',
  });
  await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return listening + performance.now() - start;
}

async function memory({ pid }: Started): Promise<number> {
  await sleep(SETTLE_MS);
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
}

async function cpu({ pid }: Started): Promise<number> {
  await sleep(SETTLE_MS);
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name is in parentheses; of what comes after it, the 12th and 13th are the times.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function withProcess<T>(
  command: readonly string[],
  databaseUrl: string,
  measure: (started: Started) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: join(import.meta.dirname, ".."),
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", DATABASE_URL: databaseUrl, LOG_LEVEL: "warning" },
  });
  const exited = once(child, "exit");
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const listening = performance.now() - start;
    return await measure({ pid: child.pid!, url: line.slice(line.indexOf("http")), listening });
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}
