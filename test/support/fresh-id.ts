/** Ids of posts and users that no other test has. */
export function freshId(): bigint {
  return BigInt(Math.floor(Math.random() * 2 ** 52) + 1);
}
