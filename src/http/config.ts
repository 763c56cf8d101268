import { LIMITS, type Limits } from "../chat/limits.ts";
import type { Auth } from "../rpc/auth.ts";
import type { RoomCreation } from "../rpc/rpcs.ts";
import { listOf, parseAuth } from "./auth-config.ts";
import { isLoopbackName } from "./door.ts";
import { shownUrl } from "./shown-url.ts";

export interface Config {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly databaseUrl: string;
  readonly databaseAuthToken: string | undefined;
  readonly auth: Auth;
  /** Who opens rooms, and lets others into them. */
  readonly roomCreation: RoomCreation;
  /** Origins whose pages may call from a browser; "*" is any. */
  readonly corsOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly limits: Limits;
}

const ROOM_CREATIONS: readonly RoomCreation[] = ["services", "users"];

const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names every problem of the environment at once, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables, defaults and their rules; the only place that knows them, with auth-config.ts. An empty variable counts as
 * unset. No problem tells a secret.
 *
 * @param mayBeUndecided whether it is no problem if AUTH is to be set and isn't
 */
export function parseConfig(env: Environment, { mayBeUndecided = false } = {}): Config {
  const problems: string[] = [];
  const read = (name: string, fallback: string) => env[name]?.trim() || fallback;

  const host = read("HOST", "127.0.0.1").replace(/^\[(.*)\]$/, "$1");

  const port = Number(read("PORT", "8080"));
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    problems.push(`PORT is ${env.PORT}; use a number from 0 (any free port) to 65535`);
  }

  const databaseUrl = read("DATABASE_URL", "file:data/roomlog.db");
  if (!isDatabaseUrl(databaseUrl)) {
    problems.push(`DATABASE_URL is ${shownUrl(databaseUrl)}; use file:<path>, http(s)://<server> or libsql://<server>`);
  } else if (/^[^?#]*@/.test(databaseUrl) && !databaseUrl.startsWith("file:")) {
    problems.push("DATABASE_URL has a user or password in it, which servers don't take; use DATABASE_AUTH_TOKEN");
  }

  const auth = parseAuth(read, isLoopbackName(host) ? "trust" : "undecided", problems);
  if (auth.mode === "undecided" && !mayBeUndecided) {
    problems.push(
      `HOST ${host} can be reached from other machines: set AUTH=jwt, so that users call with tokens, AUTH=trust, if only ` +
        "your own backends can reach it, since requests are believed then, or use a loopback HOST",
    );
  }

  const roomCreation = read("ROOM_CREATION", "services") as RoomCreation;
  if (!ROOM_CREATIONS.includes(roomCreation)) {
    problems.push(`ROOM_CREATION is ${roomCreation}; use one of ${ROOM_CREATIONS.join(", ")}`);
  }

  const corsOrigins = listOf(read("CORS_ORIGINS", ""));
  if (auth.mode === "trust" && corsOrigins.includes("*")) {
    problems.push("CORS_ORIGINS is *, and any page would be believed; list your own origins, or set AUTH=jwt");
  }
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
    auth,
    roomCreation,
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

function isDatabaseUrl(text: string): boolean {
  return /^file:(?!.*:memory:).+$/.test(text) || (/^(https?|libsql):\/\/.+$/.test(text) && URL.canParse(text));
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}
