import { Code, ConnectError } from "@connectrpc/connect";

/** JSON can carry half a surrogate pair, which no database and no protobuf can. */
export function requireText(...texts: string[]): void {
  if (texts.every((text) => text.isWellFormed())) return;
  throw new ConnectError("texts and ids must be valid Unicode", Code.InvalidArgument);
}
