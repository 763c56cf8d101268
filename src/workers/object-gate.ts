import { Code, ConnectError } from "@connectrpc/connect";
import { NO_PASS, streamLimit, tooManyStreams } from "../auth/process-gate.ts";
import type { RevocationWatch } from "../auth/revocation-watch.ts";
import type { Caller } from "../chat/caller.ts";
import type { Limits } from "../chat/limits.ts";
import { tokenRevoked } from "../rpc/errors.ts";
import type { StreamGate } from "../rpc/stream-gate.ts";
import { dial } from "./dial.ts";
import { reach } from "./reach.ts";
import { PING, REVOKED, TOO_MANY, UNAUTHORIZED } from "./user-object.ts";

/** How often a stream looks for revocations that were made elsewhere, in milliseconds. */
const LOOK_MS = 500;

/** How often a stream asks whether its socket still reaches the user's object, in milliseconds. */
const PING_MS = 20_000;

/**
 * The gate of all Workers: a user's streams are counted, and ended, by the user's object. Where other servers share the
 * database, what is revoked through them is looked for.
 */
export class ObjectGate implements StreamGate {
  readonly #users: Cloudflare.Env["USERS"];
  readonly #limits: Limits;
  readonly #revocations: RevocationWatch | undefined;

  /** @param revocations what is revoked, if other servers may revoke it too */
  constructor(users: Cloudflare.Env["USERS"], limits: Limits, revocations?: RevocationWatch) {
    this.#users = users;
    this.#limits = limits;
    this.#revocations = revocations;
  }

  async enter(caller: Caller, end: (reason: unknown) => void): Promise<Disposable> {
    if (caller.kind !== "user" && caller.kind !== "viewer") return NO_PASS;
    const limit = streamLimit(caller);
    const url = `https://user/?max=${this.#limits[limit]}&issuedAt=${caller.issuedAt}`;
    const name = caller.userId === 0n ? `view ${caller.name}` : `${caller.userId}`;
    const socket = await reach("user", dial(this.#users.getByName(name), url), this.#limits.databaseMs);
    if (socket instanceof Response) {
      if (socket.status === TOO_MANY) throw tooManyStreams(limit, this.#limits);
      throw socket.status === UNAUTHORIZED ? tokenRevoked() : lost();
    }
    const pass = watch(socket, end);
    if (!this.#revocations || caller.userId === 0n) return pass;
    const looks = setInterval(() => void endRevoked(caller, this.#revocations!, end), LOOK_MS);
    return {
      [Symbol.dispose]() {
        clearInterval(looks);
        pass[Symbol.dispose]();
      },
    };
  }

  async revoked(userId: bigint, issuedBefore: number): Promise<void> {
    await reach("user", this.#users.getByName(`${userId}`).revoked(issuedBefore), this.#limits.databaseMs);
  }
}

/** Ends a stream with its socket, or when that falls silent, so that no revocation is missed for long. */
function watch(socket: WebSocket, end: (reason: unknown) => void): Disposable {
  let isAnswered = true;
  const pings = setInterval(() => {
    if (!isAnswered) return end(lost());
    isAnswered = false;
    try {
      socket.send(PING);
    } catch {
      end(lost());
    }
  }, PING_MS);
  socket.addEventListener("message", () => {
    isAnswered = true;
  });
  socket.addEventListener("close", ({ code }) => end(code === REVOKED ? tokenRevoked() : lost()));
  socket.addEventListener("error", () => end(lost()));
  return {
    [Symbol.dispose]() {
      clearInterval(pings);
      socket.close();
    },
  };
}

async function endRevoked(caller: Caller, revocations: RevocationWatch, end: (reason: unknown) => void): Promise<void> {
  try {
    await revocations.fresh();
  } catch {
    return; // the next look tells
  }
  if (caller.issuedAt! < revocations.tokensFrom(caller.userId)) end(tokenRevoked());
}

function lost(): ConnectError {
  return new ConnectError("the user's object can't be reached; resume from your cursors", Code.Unavailable);
}
