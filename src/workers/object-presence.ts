import { fromBinary } from "@bufbuild/protobuf";
import { ListPresenceResSchema } from "../../gen/chat_pb.ts";
import type { Limits } from "../chat/limits.ts";
import type { ListedPresence, PresenceList } from "../chat/presence.ts";
import type { LibsqlPresence } from "../libsql/presence.ts";
import { reach } from "./reach.ts";

/** Asks the room's Durable Object who is here, and the database when others were seen last. */
export class ObjectPresence implements PresenceList {
  readonly #rooms: Cloudflare.Env["ROOMS"];
  readonly #database: Pick<LibsqlPresence, "known">;
  readonly #answerMs: number;

  constructor(
    rooms: Cloudflare.Env["ROOMS"],
    database: Pick<LibsqlPresence, "known">,
    { databaseMs }: Pick<Limits, "databaseMs">,
  ) {
    this.#rooms = rooms;
    this.#database = database;
    this.#answerMs = databaseMs;
  }

  async list(roomId: bigint, userIds: readonly bigint[]): Promise<ListedPresence> {
    const answer = reach("room", this.#rooms.getByName(`${roomId}`).presence([...userIds]), this.#answerMs);
    const [here, known] = await Promise.all([answer, this.#database.known(roomId, userIds)]);
    const { users, count } = fromBinary(ListPresenceResSchema, here);
    if (userIds.length === 0) return { users, count };
    const present = new Set(users.filter(({ isHere }) => isHere).map(({ userId }) => userId));
    const members = known.map(({ lastSeenAt, ...user }) => {
      const isHere = present.has(user.userId);
      return { ...user, isHere, ...(!isHere && lastSeenAt && { lastSeenAt }) };
    });
    return { users: members, count };
  }
}
