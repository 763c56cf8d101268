import { type Config, ConfigError, parseConfig } from "../http/config.ts";
import { shownUrl } from "../http/shown-url.ts";

export interface WorkerConfig extends Omit<Config, "databaseUrl"> {
  /** A server; without one the database object keeps the log. */
  readonly databaseUrl: string | undefined;
  /** How many objects write to the server. */
  readonly databaseObjects: number;
  /** Where a database object is made when it is asked for the first time. */
  readonly databaseLocation: DurableObjectLocationHint | undefined;
  /**
   * What the database object's log is to be restored to, in milliseconds since 1970; a log that isn't of that time gets
   * another epoch.
   */
  readonly restoreTo: number | undefined;
}

/**
 * Characters of a commit that fit into a value of a Durable Object's SQLite: 2 MB, and a character takes up to 6 bytes in
 * JSON.
 */
const STORAGE_CHARACTERS = 300_000;

const LOCATIONS: readonly DurableObjectLocationHint[] = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "oc",
  "afr",
  "me",
];

/**
 * A Worker is reached from everywhere, so the rules for a public HOST hold; without AUTH it refuses every call, since it has
 * no start that could fail. And it has no files.
 */
export function workerConfig(env: Cloudflare.Env): WorkerConfig {
  const variables = env as unknown as Readonly<Record<string, string | undefined>>;
  const { databaseUrl, ...config } = parseConfig({ ...variables, HOST: "0.0.0.0" }, { mayBeUndecided: true });
  const problems: string[] = [];
  const hasServer = variables.DATABASE_URL !== undefined && variables.DATABASE_URL.trim() !== "";
  if (hasServer && databaseUrl.startsWith("file:")) {
    problems.push(
      `DATABASE_URL is ${shownUrl(databaseUrl)}, and Workers have no files; use a server, or leave it unset`,
    );
  }
  const databaseObjects = Number(variables.DATABASE_OBJECTS?.trim() || 1);
  const mostObjects = hasServer ? 4 : 1;
  if (!Number.isInteger(databaseObjects) || databaseObjects < 1 || databaseObjects > mostObjects) {
    const why = hasServer ? "use a number from 1 to 4" : "without a DATABASE_URL there is one";
    problems.push(`DATABASE_OBJECTS is ${variables.DATABASE_OBJECTS}; ${why}`);
  }
  const location = variables.DATABASE_LOCATION?.trim() || undefined;
  const databaseLocation = LOCATIONS.find((hint) => hint === location);
  if (location && !databaseLocation) {
    problems.push(`DATABASE_LOCATION is ${location}; use one of ${LOCATIONS.join(", ")}`);
  }
  const restoreTo = variables.RESTORE_TO?.trim() ? Date.parse(variables.RESTORE_TO) : undefined;
  if (Number.isNaN(restoreTo)) {
    problems.push(`RESTORE_TO is ${variables.RESTORE_TO}; use a time such as 2026-11-25T12:00:00Z`);
  } else if (restoreTo !== undefined && hasServer) {
    problems.push(
      "RESTORE_TO is for the log of the database object, and there is a DATABASE_URL: leave one of them out",
    );
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  const limits = hasServer
    ? config.limits
    : { ...config.limits, commitCharacters: Math.min(config.limits.commitCharacters, STORAGE_CHARACTERS) };
  return {
    ...config,
    limits,
    databaseUrl: hasServer ? databaseUrl : undefined,
    databaseObjects,
    databaseLocation,
    restoreTo,
  };
}
