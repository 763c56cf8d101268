import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { noSqld } from "./test/support/sqld.ts";

/** They end what hangs, and nothing that is slow because the machine has other work too. */
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };

/** Tests that run inside workerd, next to the Durable Objects they look into. */
function workerd(name: string, include: string, globalSetup?: string): TestProjectConfiguration {
  return {
    plugins: [
      cloudflareTest(({ inject }) => ({
        main: "./test/workers/main.workerd.ts",
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          bindings: globalSetup
            ? { DATABASE_URL: inject("databaseUrl"), DATABASE_OBJECTS: "4", ...quiet }
            : { ...alone, ...quiet },
        },
      })),
    ],
    test: { name, include: [include], globalSetup: globalSetup ? [globalSetup] : [], ...timeouts },
  };
}

const quiet = { AUTH: "trust", LOG_LEVEL: "warning" };
/** That there is no server is said, since .dev.vars may have one that is none for tests. */
const alone = { DATABASE_URL: "", RESTORE_TO: "2026-01-01T00:00:00Z" };

export default defineConfig({
  test: {
    // Most of the time they wait for others, so two files at a time do on two cores as well.
    maxWorkers: Math.max(2, availableParallelism() - 1),
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
      workerd("workerd", "test/**/*.workerd.test.ts"),
      ...(noSqld
        ? []
        : [workerd("workerd with sqld", "test/**/*-object.workerd.test.ts", "test/support/workerd-setup.ts")]),
    ],
  },
});
