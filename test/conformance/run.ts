import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { DESCRIPTORS } from "./paths.ts";

/**
 * Connect's conformance suite, against one of the servers in this folder. It is run by hand, since it needs Go:
 *
 *     go install connectrpc.com/conformance/cmd/connectconformance@latest
 *     node test/conformance/run.ts --server plain
 *
 * The calls of hangs.txt are left out, for the suite would hang with them; `--hangs` makes them and no others.
 * What follows "--" goes to the suite, as `-- --run "Basic/**" --trace` does.
 */
const { values, positionals } = parseArgs({
  options: { server: { type: "string", default: "plain" }, hangs: { type: "boolean", default: false } },
  allowPositionals: true,
});
const program = join(import.meta.dirname, `${values.server}-server.ts`);
if (!existsSync(program)) throw new Error(`there is no server "${values.server}" for the suite`);

/** All that a Connect server can do, but for TLS, which is a proxy's business here. */
const CONFIG = {
  features: {
    versions: ["HTTP_VERSION_1", "HTTP_VERSION_2"],
    protocols: ["PROTOCOL_CONNECT", "PROTOCOL_GRPC", "PROTOCOL_GRPC_WEB"],
    codecs: ["CODEC_PROTO", "CODEC_JSON"],
    compressions: ["COMPRESSION_IDENTITY", "COMPRESSION_GZIP"],
    streamTypes: [
      "STREAM_TYPE_UNARY",
      "STREAM_TYPE_CLIENT_STREAM",
      "STREAM_TYPE_SERVER_STREAM",
      "STREAM_TYPE_HALF_DUPLEX_BIDI_STREAM",
      "STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM",
    ],
    supportsH2c: true,
    supportsTls: false,
    supportsTrailers: true,
    supportsHalfDuplexBidiOverHttp1: false,
    supportsConnectGet: true,
    supportsMessageReceiveLimit: true,
  },
};

/** Each call that hangs takes one of the suite's places for good, and with none left, the suite hangs, too. */
const PLACES_FOR_HANGS = 64;

/** The suite takes some 10 seconds, and 20 more for each of its clients that waits for an answer in vain. */
const TIMEOUT_MS = 3 * 60_000;

const suite = suiteProgram();
const cache = dirname(DESCRIPTORS);
mkdirSync(cache, { recursive: true });
run(join(import.meta.dirname, "../../node_modules/.bin/buf"), ["build", suiteProtos(suite), "--output", DESCRIPTORS]);

// YAML is a superset of JSON.
const config = join(cache, "config.yaml");
writeFileSync(config, JSON.stringify(CONFIG));
const hanging = join(import.meta.dirname, "hangs.txt");
const selection = values.hangs
  ? ["--run", `@${hanging}`, "--parallel", `${PLACES_FOR_HANGS}`]
  : existsSync(hanging)
    ? ["--skip", `@${hanging}`]
    : [];
const options = ["--mode", "server", "--conf", config, ...selection, ...positionals];
const { status, error } = spawnSync(suite, [...options, "--", process.execPath, program], {
  stdio: "inherit",
  timeout: TIMEOUT_MS,
});
if (error) console.error(`the suite has not ended: ${error.message}`);
process.exitCode = status ?? 1;

function suiteProgram(): string {
  const directories = process.env.PATH!.split(delimiter);
  try {
    directories.push(join(run("go", ["env", "GOPATH"]), "bin"));
  } catch {
    // Without Go, it may be on the PATH.
  }
  const found = directories.map((directory) => join(directory, "connectconformance")).find(existsSync);
  if (!found) throw new Error("go install connectrpc.com/conformance/cmd/connectconformance@latest");
  return found;
}

/** The folder of the protos that the program was built with. */
function suiteProtos(suite: string): string {
  const version = run(suite, ["--version"]).split(" ").at(-1);
  const module = run("go", ["mod", "download", "-json", `connectrpc.com/conformance@${version}`]);
  return join((JSON.parse(module) as { Dir: string }).Dir, "proto");
}

function run(program: string, parameters: string[]): string {
  return execFileSync(program, parameters, { encoding: "utf8" }).trim();
}
