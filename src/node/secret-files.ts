import { readFileSync } from "node:fs";
import { ConfigError, type Environment } from "../http/config.ts";

/** Variables that may come from a file each, named by the variable with _FILE. */
const SECRETS = ["DATABASE_URL", "DATABASE_AUTH_TOKEN", "JWT_SECRET", "API_KEYS"];

/** The environment, with the secrets that are in files. Throws a ConfigError that names every file that can't be read. */
export function withSecretFiles(env: Environment): Environment {
  const problems: string[] = [];
  const secrets: Record<string, string> = {};
  for (const name of SECRETS) {
    const path = env[`${name}_FILE`]?.trim();
    if (!path) continue;
    if (env[name]?.trim()) problems.push(`${name} and ${name}_FILE: set one of them`);
    else {
      try {
        secrets[name] = readFileSync(path, "utf8").trimEnd();
        if (secrets[name] === "") problems.push(`${name}_FILE: ${path} is empty`);
      } catch (e) {
        problems.push(`${name}_FILE: ${path} can't be read (${reason(e)})`);
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
  // No copy: Deno lets a program read the variables it names, but not all of them.
  return Object.assign(Object.create(env), secrets);
}

/** Such as ENOENT, or NotCapable where Deno was not allowed to read it. */
function reason(e: unknown): string {
  const { code, name } = e as NodeJS.ErrnoException;
  return code ?? name;
}
