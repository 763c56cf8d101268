import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { BoundedBytes } from "./bytes.ts";
import { MalformedError } from "./errors.ts";

/** Whether a caller takes answers in gzip, by its header. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return acceptEncoding?.split(",").some((each) => /^\s*gzip\s*(;\s*q=(1|0\.0*[1-9])\S*\s*)?$/i.test(each)) ?? false;
}

/** Whether a request is in gzip, by the encoding it names; refuses another one. */
export function isGzip(encoding: string | undefined): boolean {
  if (encoding === undefined || encoding === "identity") return false;
  if (encoding === "gzip") return true;
  throw new ConnectError("unknown compression: use gzip or none", Code.Unimplemented);
}

export function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return pass(bytes, new CompressionStream("gzip"), new BoundedBytes(Number.POSITIVE_INFINITY));
}

/** Inflates no more than `maxBytes`, and refuses what has more. */
export async function gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await pass(bytes, new DecompressionStream("gzip"), new BoundedBytes(maxBytes));
  } catch (e) {
    throw e instanceof ConnectError ? e : new MalformedError("the request is not in gzip, as it says");
  }
}

async function pass(
  bytes: Uint8Array,
  transform: CompressionStream | DecompressionStream,
  all: BoundedBytes,
): Promise<Uint8Array> {
  const input = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  for await (const chunk of input.pipeThrough(transform)) all.add(chunk);
  return all.whole();
}

/** For Connect's own pipeline. */
export const gzipCompression = { name: "gzip", compress: gzip, decompress: gunzip } as Compression;
