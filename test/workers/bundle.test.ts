import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { describe, expect, test } from "vitest";
import { bundleWorker } from "../../scripts/bundle-worker.ts";
import { freshId } from "../support/fresh-id.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const [MAY, JUNE] = ["2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"];

describe("the bundle that wrangler deploys", () => {
  test("keeps its log from one deploy to the next, and gives it another epoch when it is told to", async () => {
    const { path, kib } = bundleWorker();
    await using directory = await temporaryDirectory();
    const coldStarts: number[] = [];
    const epochs: string[] = [];
    for (const [i, restoreTo] of [undefined, undefined, MAY, MAY, JUNE].entries()) {
      const workerd = new Miniflare({
        ...convertV4MiniflareOptions({
          host: "127.0.0.1",
          modules: true,
          scriptPath: path,
          compatibilityDate: "2026-11-01",
          compatibilityFlags: ["enable_request_signal"],
          durableObjects: {
            ROOMS: { className: "RoomObject", useSQLite: true },
            USERS: { className: "UserObject", useSQLite: true },
            DATABASES: { className: "DatabaseObject", useSQLite: true },
          },
          bindings: { AUTH: "trust", LOG_LEVEL: "warning", ...(restoreTo && { RESTORE_TO: restoreTo }) },
        }),
        resourcePersistencePath: directory.path,
      });
      try {
        const url = await workerd.ready;
        const call = async (method: string, body: object) => {
          const response = await fetch(new URL(`/chat_grpc.ChatService/${method}`, url), {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          });
          expect(response.status).toBe(200);
          return (await response.json()) as { messages?: unknown[]; head: { epoch: string } };
        };
        const start = performance.now();
        if (i === 0) await call("CreateChatRoom", { postId: `${freshId()}`, userId: 1 });
        else await call("SendMessage", { roomId: 1, userId: 1, body: `${i}` });
        coldStarts.push(performance.now() - start);
        const { messages = [], head } = await call("ListMessages", { roomId: 1, userId: 1 });
        expect(messages).toHaveLength(i);
        epochs.push(head.epoch);
      } finally {
        await workerd.dispose();
      }
    }
    const [first, second, restored, stillRestored] = epochs;
    expect([second, stillRestored]).toEqual([first, restored]);
    expect(new Set(epochs).size).toBe(3);
    console.log(
      `Worker: ${kib.toFixed(1)} KiB gzipped; first request of a fresh workerd: ${coldStarts.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`,
    );
  });
});
