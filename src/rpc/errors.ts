import { Code, ConnectError } from "@connectrpc/connect";

/**
 * A request that can't be read. Its message may quote the request; its summary doesn't, so that a log may have it.
 * `instanceof` doesn't tell it from other errors of Connect; its summary does.
 */
export class MalformedError extends ConnectError {
  readonly summary: string;

  constructor(summary: string, detail?: unknown) {
    super(detail === undefined ? summary : `${summary}: ${textOf(detail)}`, Code.InvalidArgument);
    this.summary = summary;
  }
}

function textOf(detail: unknown): string {
  return detail instanceof Error ? detail.message : String(detail);
}

/** The client left before its request was whole. */
export function brokeOff(cause?: unknown): ConnectError {
  return new ConnectError("the request broke off", Code.Canceled, undefined, undefined, cause);
}

export function clientLeft(): ConnectError {
  return new ConnectError("the client has left", Code.Canceled);
}

/** Of a stream: its token has. */
export function tokenExpired(): ConnectError {
  const message = "the token has expired; resume from your cursors with a new one";
  return new ConnectError(message, Code.Unauthenticated);
}

/** Of a stream likewise. */
export function tokenRevoked(): ConnectError {
  return new ConnectError("the token has been revoked", Code.Unauthenticated);
}

/** Of a stream. */
export function tooOld(): ConnectError {
  return new ConnectError("the stream has reached its maximum age; resume from your cursors", Code.Unavailable);
}

export function deadlineExceeded(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}

const utf8 = new TextEncoder();

/**
 * What a caller gets to see of an error: nothing of a defect, and never more text than `maxBytes`, well-formed, so that
 * every protocol can carry it.
 */
export function shownError(error: unknown, maxBytes: number): ConnectError {
  if (!(error instanceof ConnectError)) return new ConnectError("internal error", Code.Internal);
  if (error.rawMessage.length * 3 <= maxBytes && error.rawMessage.isWellFormed()) return error;
  const buffer = new Uint8Array(maxBytes);
  const { read } = utf8.encodeInto(error.rawMessage.toWellFormed(), buffer);
  const text = error.rawMessage.slice(0, read).toWellFormed();
  const shown = new ConnectError(text, error.code, error.metadata);
  shown.details = error.details;
  return shown;
}
