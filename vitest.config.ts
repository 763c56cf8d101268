import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** They end what hangs, and nothing that is slow because the machine has other work too. */
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/summary-reporter.ts"],
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.workerd.test.ts"],
          ...timeouts,
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
          ...timeouts,
        },
      },
    ],
  },
});
