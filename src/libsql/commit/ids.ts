import { Code, ConnectError } from "@connectrpc/connect";

/** Why an id of the caller's own, by the name of its field, can't be stored. */
export function idTooGreat(field: string, id: bigint, greatest: bigint): ConnectError {
  const message = `${field} ${id} is greater than ${greatest}, the greatest id that this server's database keeps`;
  return new ConnectError(message, Code.InvalidArgument);
}
