import { LIMITS, type Limits } from "../chat/limits.ts";
import { isLoopbackName } from "./door.ts";

export interface Config {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly databaseUrl: string;
  readonly databaseAuthToken: string | undefined;
  readonly auth: "trust";
  /** Origins whose pages may call from a browser; "*" is any. */
  readonly corsOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly limits: Limits;
}

const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names every problem of the environment at once, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Variables, defaults and their rules; the only place that knows them. An empty variable counts as unset. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const read = (name: string, fallback: string) => env[name]?.trim() || fallback;

  const host = read("HOST", "127.0.0.1").replace(/^\[(.*)\]$/, "$1");

  const port = Number(read("PORT", "8080"));
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    problems.push(`PORT is ${env.PORT}; use a number from 0 (any free port) to 65535`);
  }

  const databaseUrl = read("DATABASE_URL", "file:data/roomlog.db");
  if (!/^(file:(?!.*:memory:).+|https?:\/\/.+|libsql:\/\/.+)$/.test(databaseUrl)) {
    problems.push(`DATABASE_URL is ${databaseUrl}; use file:<path>, http(s)://<server> or libsql://<server>`);
  }

  const auth = read("AUTH", isLoopbackName(host) ? "trust" : "");
  if (auth === "") {
    problems.push(
      `HOST ${host} can be reached from other machines, and requests are believed whoever they say they are: ` +
        "set AUTH=trust if only your own backends can reach it, or use a loopback HOST",
    );
  } else if (auth !== "trust") problems.push(`AUTH is ${auth}; the only mode is trust`);

  const corsOrigins = read("CORS_ORIGINS", "")
    .split(/[\s,]+/)
    .filter((origin) => origin !== "");
  for (const origin of corsOrigins.filter((origin) => origin !== "*" && !isOrigin(origin))) {
    problems.push(`CORS_ORIGINS has ${origin}; use origins such as https://app.example.com, separated by commas, or *`);
  }

  const logLevel = read("LOG_LEVEL", "info") as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) problems.push(`LOG_LEVEL is ${logLevel}; use one of ${LOG_LEVELS.join(", ")}`);

  const limits = Object.fromEntries(
    Object.entries(LIMITS).map(([name, fallback]) => {
      const variable = limitVariable(name);
      const limit = Number(read(variable, `${fallback}`));
      const max = name.endsWith("Ms") ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER;
      if (!Number.isInteger(limit) || limit < 1 || limit > max) {
        problems.push(`${variable} is ${env[variable]}; use a whole number from 1 to ${max}`);
      }
      return [name, limit];
    }),
  ) as Limits;

  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  return {
    host,
    port,
    databaseUrl,
    databaseAuthToken: env.DATABASE_AUTH_TOKEN?.trim() || undefined,
    auth: "trust",
    corsOrigins,
    logLevel,
    limits,
  };
}

/** The longest time that timers know: some 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The variable that sets a limit: LIMIT_OPEN_STREAMS for openStreams. */
export function limitVariable(name: string): string {
  return `LIMIT_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}
