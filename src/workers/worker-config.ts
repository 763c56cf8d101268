import { type Config, parseConfig } from "../http/config.ts";

/** A Worker is reached from everywhere, so the rules for a public HOST hold; and it has no file to keep a log in. */
export function workerConfig(env: Cloudflare.Env): Config {
  const config = parseConfig({ ...(env as unknown as Record<string, string>), HOST: "0.0.0.0" });
  if (config.databaseUrl.startsWith("file:")) {
    throw new Error(
      "DATABASE_URL is not set; use the https: or libsql: URL of your database: npx wrangler secret put DATABASE_URL",
    );
  }
  return config;
}
