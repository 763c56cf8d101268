import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { describe, expect, test } from "vitest";
import { bundleWorker } from "../../scripts/bundle-worker.ts";
import { HttpDatabase } from "../../src/libsql/remote/http-database.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { noSqld, Sqld } from "../support/sqld.ts";

describe.skipIf(noSqld)("the bundle that wrangler deploys", () => {
  test("serves its first request in a fresh workerd, and says how long that took", async () => {
    await using sqld = await Sqld.start();
    await migrate(new HttpDatabase(sqld.url));
    const { path, kib } = bundleWorker();
    const coldStarts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const workerd = new Miniflare(
        convertV4MiniflareOptions({
          host: "127.0.0.1",
          modules: true,
          scriptPath: path,
          compatibilityDate: "2026-11-01",
          compatibilityFlags: ["enable_request_signal"],
          durableObjects: { ROOMS: "RoomObject" },
          bindings: { AUTH: "trust", DATABASE_URL: sqld.url, LOG_LEVEL: "warning" },
        }),
      );
      try {
        const url = await workerd.ready;
        const start = performance.now();
        const response = await fetch(new URL("/chat_grpc.ChatService/CreateChatRoom", url), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ postId: `${i + 1}`, userId: "1" }),
        });
        coldStarts.push(performance.now() - start);
        expect(response.status).toBe(200);
      } finally {
        await workerd.dispose();
      }
    }
    console.log(
      `Worker: ${kib.toFixed(1)} KiB gzipped; first request of a fresh workerd: ${coldStarts.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`,
    );
  });
});
