import { execFile } from "node:child_process";
import process from "node:process";
import { expect, test } from "vitest";
import { startNodeService } from "../support/node-service.ts";

function play(url: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile("scripts/conversation.sh", { env: { ...process.env, ROOMLOG: url } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("scripts/conversation.sh plays a conversation with curl, as often as one likes", { timeout: 60_000 }, async () => {
  await using service = await startNodeService();
  for (let time = 1; time <= 2; time++) {
    const { code, stdout, stderr } = await play(service.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain('  < {"id":');
    expect(stdout).toMatch(/^ {2}> StreamEvents .*\n {2}\* \{"caughtUp":/m);
    const events = stdout.match(/^ {2}\* \{"\w+/gm)!.map((event) => event.slice(6));
    expect(events).toContain("roomChanged"); // which comes when it comes
    expect(events.filter((event) => event !== "roomChanged")).toEqual([
      ...["caughtUp", "message", "message", "message", "message"],
      ...["message", "message", "message", "message", "readMoved", "typing", "message"],
      ...["caughtUp", "message", "message", "readMoved", "caughtUp", "roomUpdated", "memberRemoved"],
    ]);
    expect(stdout).toContain("That was a conversation. Every answer was as expected.");
  }
});

test("scripts/conversation.sh fails where no server is", async () => {
  const { code, stderr } = await play("http://127.0.0.1:1");
  expect(code).toBe(1);
  expect(stderr).toContain("FAILED: no Roomlog at http://127.0.0.1:1");
});
