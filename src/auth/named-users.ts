import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../chat/caller.ts";
import type { Limits } from "../chat/limits.ts";
import type { UserStore } from "../chat/user-store.ts";
import { BoundedMap } from "./bounded-map.ts";
import { isUserKey } from "./user-key.ts";

/** The header by which a backend says for whom it acts: a user's key. */
export const USER_HEADER = "roomlog-user";

/** Users for whom backends act, by their keys. Ids never change, so they are kept. */
export class NamedUsers {
  readonly #users: Pick<UserStore, "idOf">;
  readonly #ids: BoundedMap<bigint>;

  constructor(users: Pick<UserStore, "idOf">, { namedUsers }: Pick<Limits, "namedUsers">) {
    this.#users = users;
    this.#ids = new BoundedMap(namedUsers);
  }

  /**
   * The backend, acting for the user whom the header names: by the key as it is, or percent-encoded if it has a "%", or
   * characters that headers can't carry. INVALID_ARGUMENT if it is no key.
   */
  actFor(header: string, backend: Caller): Caller | Promise<Caller> {
    const id = this.#ids.get(header);
    return id === undefined ? this.#find(header, backend) : { ...backend, userId: id };
  }

  async #find(header: string, backend: Caller): Promise<Caller> {
    const userId = (await this.#users.idOf(keyOf(header), true))!;
    this.#ids.set(header, userId);
    return { ...backend, userId };
  }
}

function keyOf(header: string): string {
  const key = /^[\x20-\x7e]*$/.test(header) ? decoded(header) : undefined;
  if (key !== undefined && isUserKey(key)) return key;
  const rule = "1 to 128 characters, percent-encoded (%C3%BC) if it has a % or characters beyond ASCII";
  throw new ConnectError(`the header ${USER_HEADER} is no user's key: it has ${rule}`, Code.InvalidArgument);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
