import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../chat/caller.ts";
import { NOBODY, type UserStore } from "../chat/user-store.ts";
import type { Access, Who } from "./rpc.ts";

/** The fields that name users, where a request has them. */
interface Named {
  userId: bigint;
  actorId: bigint;
  userKey: string;
}

/** Users that a request may list. */
const MAX_USERS = 100;

type UserLists = NonNullable<Access["users"]>;

const USERS: readonly Who[] = ["user", "self", "member", "author", "moderator", "owner"];

/**
 * Whether a caller may make a call, as far as the caller's token says it; fills in the caller's field. What the log says,
 * such as a membership, is checked in its transaction. Gives the user for whom the caller acts; 0 for who acts for none.
 */
export function authorize(caller: Caller, access: Access, request: Message): bigint {
  const named = request as unknown as Named;
  const actor = actorOf(caller, access, named);
  if (access.userKey === "any, by services" && caller.kind === "user" && named.userKey !== "") {
    throw denied("user_key: services name users by their keys here; name the user by user_id");
  }
  // Who reads by a view does so whoever it is, and never as a member.
  if (access.caller) named[access.caller] = caller.kind === "viewer" ? 0n : actor;
  return actor;
}

/** Makes of a user_key the user_id that the request means. It may write, and so comes after all checks of the pipeline. */
export async function findUser(
  access: Access,
  request: Message,
  users: Pick<UserStore, "idOf" | "idsOf">,
): Promise<void> {
  if (access.users) await findUsers(access.users, request, users);
  if (!access.userKey) return;
  const named = request as unknown as Named;
  const { userId, userKey: key } = named;
  if (userId === 0n && key === "") {
    throw new ConnectError("user_id: say which user, here or in user_key", Code.InvalidArgument);
  }
  if (key === "") return;
  if (userId !== 0n) throw new ConnectError("user_id and user_key: give one of them", Code.InvalidArgument);
  named.userId = (await users.idOf(key, access.userKey !== "known")) ?? NOBODY;
}

/** Likewise, of lists of users. */
async function findUsers(listed: UserLists, request: Message, users: Pick<UserStore, "idsOf">): Promise<void> {
  if (countUsers(listed, request) > MAX_USERS) {
    throw new ConnectError(`name at most ${MAX_USERS} users at a time, by id and by key`, Code.InvalidArgument);
  }
  const lists = request as unknown as { [name: string]: unknown[] };
  const [ids, keys] = listed;
  if (lists[keys]!.length === 0) return;
  lists[ids] = [...lists[ids]!, ...(await users.idsOf(lists[keys] as string[]))];
  lists[keys] = [];
}

/** How many users a request lists. */
export function countUsers(listed: UserLists, request: Message): number {
  const lists = request as unknown as { [name: string]: unknown[] };
  return listed.reduce((count, name) => count + lists[name]!.length, 0);
}

function actorOf(caller: Caller, access: Access, request: Named): bigint {
  const { kind, userId } = caller;
  const named = access.caller ? request[access.caller] : 0n;
  if (kind === "user" || kind === "viewer") {
    admit(kind, access.may);
    if (named !== 0n && named !== userId) {
      const whose = userId === 0n ? "of no user" : `of user ${userId}`;
      throw denied(`${fieldName(access.caller)} is ${named}, but the token is ${whose}; leave the field out`);
    }
    return userId;
  }
  if (named !== 0n && userId !== 0n && named !== userId) {
    const message = `${fieldName(access.caller)} is ${named}, and the header roomlog-user names user ${userId}; name one`;
    throw new ConnectError(message, Code.InvalidArgument);
  }
  const actor = named || userId;
  if (actor === 0n && access.caller && !access.may.includes(kind)) {
    const message = `${fieldName(access.caller)}: say which user calls, there or by key in the header roomlog-user`;
    throw new ConnectError(message, Code.InvalidArgument);
  }
  return actor;
}

function admit(kind: "user" | "viewer", may: readonly Who[]): void {
  if (kind === "viewer" && !may.includes("view")) {
    throw denied("a token with a view only reads the rooms that it names; get one without a view");
  }
  if (kind === "user" && !may.some((who) => USERS.includes(who))) {
    throw denied("this is up to services: call it from your backend, with one of its API_KEYS");
  }
}

function fieldName(field: Access["caller"]): string {
  return field === "actorId" ? "actor_id" : "user_id";
}

function denied(message: string): ConnectError {
  return new ConnectError(message, Code.PermissionDenied);
}
