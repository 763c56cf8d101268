import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/summary-reporter.ts"],
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.workerd.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        // These run inside workerd, next to the Durable Objects they look into.
        plugins: [
          cloudflareTest(({ inject }) => ({
            main: "./test/workers/main.workerd.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { DATABASE_URL: inject("databaseUrl"), LOG_LEVEL: "warning" } },
          })),
        ],
        test: {
          name: "workerd",
          include: ["test/**/*.workerd.test.ts"],
          globalSetup: ["test/support/workerd-setup.ts"],
          testTimeout: 30_000,
        },
      },
    ],
  },
});
