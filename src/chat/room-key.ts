import { numberOf } from "./user-store.ts";

const POST = "post:";

/** The key of the room of a post. */
export function keyOfPost(postId: bigint): string {
  return `${POST}${postId}`;
}

/** The post whose room has a key; 0 if there is none. */
export function postOf(key: string): bigint {
  return key.startsWith(POST) ? (numberOf(key.slice(POST.length)) ?? 0n) : 0n;
}
