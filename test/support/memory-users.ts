import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Profile, ProfileSchema } from "../../gen/chat_pb.ts";
import {
  FIRST_KEYED_USER,
  isKeyed,
  numberOf,
  type Revocations,
  type SignedIn,
  type TokenUser,
  type UserStore,
} from "../../src/chat/user-store.ts";

/** The model of a UserStore. It knows nothing of rooms, so that users see only their own profiles. */
export class MemoryUsers implements UserStore {
  /** How often it was asked what. */
  readonly asked = { signIn: 0, idOf: 0, revocations: 0 };
  /** Whether it can't be reached. */
  isGone = false;
  /** What it waits for before it answers. */
  answers: Promise<void> | undefined;
  /** Revocations that it gives at a time. */
  pageSize = 100;
  readonly #ids = new Map<string, bigint>();
  readonly #profiles = new Map<bigint, TokenUser>();
  readonly #revocations = new Map<bigint, SignedIn & { readonly number: bigint }>();
  #epoch = 1;
  #number = 0n;

  async signIn(user: TokenUser): Promise<SignedIn> {
    this.asked.signIn++;
    await this.#reach();
    const userId = this.#idOf(user.key, true)!;
    const known = this.#profiles.get(userId);
    if (!known || known.issuedAt <= user.issuedAt) this.#profiles.set(userId, user);
    return { userId, tokensFrom: this.#revocations.get(userId)?.tokensFrom ?? 0 };
  }

  async idOf(key: string, isToGetOne: boolean): Promise<bigint | undefined> {
    this.asked.idOf++;
    await this.#reach();
    return this.#idOf(key, isToGetOne);
  }

  async idsOf(keys: readonly string[]): Promise<bigint[]> {
    this.asked.idOf++;
    await this.#reach();
    return keys.map((key) => this.#idOf(key, true)!);
  }

  async profiles(userIds: readonly bigint[], keys: readonly string[], seenBy?: bigint): Promise<Profile[]> {
    await this.#reach();
    const ids = new Set([...userIds, ...keys.map((key) => this.#idOf(key, false))]);
    return [...this.#profiles]
      .filter(([userId]) => ids.has(userId) && (seenBy === undefined || seenBy === userId))
      .map(([userId, { key, name, picture }]) => create(ProfileSchema, { userId, key, name, picture }));
  }

  async revokeTokens(userId: bigint, issuedBefore: number): Promise<void> {
    await this.#reach();
    if (issuedBefore <= (this.#revocations.get(userId)?.tokensFrom ?? 0)) return;
    this.#revocations.delete(userId);
    this.#revocations.set(userId, { userId, tokensFrom: issuedBefore, number: ++this.#number });
  }

  async revocations(after?: bigint): Promise<Revocations> {
    this.asked.revocations++;
    await this.#reach();
    const epoch = `${this.#epoch}`;
    if (after === undefined) return { epoch, number: this.#number, of: [], isWhole: true };
    const later = [...this.#revocations.values()].filter(({ number }) => number > after);
    const of = later.slice(0, this.pageSize);
    const isWhole = of.length === later.length;
    return { epoch, number: isWhole ? this.#number : of.at(-1)!.number, of, isWhole };
  }

  /** As from a backup without any revocations. */
  restore(): void {
    this.#epoch++;
    this.#revocations.clear();
    this.#number = 0n;
  }

  async #reach(): Promise<void> {
    await this.answers;
    if (this.isGone) throw new ConnectError("the database can't be reached; try again", Code.Unavailable);
  }

  #idOf(key: string, isToGetOne: boolean): bigint | undefined {
    const number = numberOf(key);
    if (number !== undefined) {
      if (isKeyed(number)) throw new ConnectError("the key is nobody's", Code.InvalidArgument);
      return number;
    }
    if (isToGetOne && !this.#ids.has(key)) this.#ids.set(key, FIRST_KEYED_USER + BigInt(this.#ids.size));
    return this.#ids.get(key);
  }
}
