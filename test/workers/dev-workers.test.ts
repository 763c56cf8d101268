import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freshId } from "../support/fresh-id.ts";
import { noSqld } from "../support/sqld.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("npm run dev:workers", () => {
  test.each([
    ["keeps the log itself", []],
    ["with --sqld keeps it there", ["--sqld"]],
  ])("%s, and ends with all it has started", async (_, flags) => {
    if (flags.length > 0 && noSqld) return;
    await using directory = await temporaryDirectory();
    const options = [
      "--port",
      "0",
      "--inspector-port",
      "0",
      "--persist-to",
      directory.path,
      "--show-interactive-dev-session=false",
    ];
    const child = spawn(process.execPath, ["scripts/dev-workers.ts", ...flags, ...options], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_REGISTRY_PATH: directory.path },
    });
    const exited = once(child, "exit");
    const ready = Promise.withResolvers<string>();
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const url = /Ready on (http:\S+)/.exec(line)?.[1];
      if (url) ready.resolve(url);
    });
    const call = async (method: string, body: object) => {
      const response = await fetch(`${await ready.promise}/chat_grpc.ChatService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return (await response.json()) as { readonly id: string; readonly seq?: string };
    };
    try {
      void exited.then(() => ready.reject(new Error(`it ended: ${lines.join("\n")}`)));
      const { id: roomId } = await call("CreateChatRoom", { postId: `${freshId()}`, userId: "1" });
      expect(await call("SendMessage", { roomId, userId: "1", body: "hello" })).toMatchObject({ seq: "1" });
      process.kill(-child.pid!, "SIGINT"); // as Ctrl-C does
      await exited;
      while (isRunning(-child.pid!)) await sleep(50);
    } finally {
      if (isRunning(-child.pid!)) process.kill(-child.pid!, "SIGKILL");
    }
  });
});
