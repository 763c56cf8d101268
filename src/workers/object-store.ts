import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ChangeGroupSchema, GroupOutcomeSchema } from "../../gen/room/room_pb.ts";
import type { Limits } from "../chat/limits.ts";
import type { ChatStore, Commit, RoomChange } from "../chat/store.ts";
import type { DatabaseStubs } from "./database-stubs.ts";
import { fromOutcome } from "./outcomes.ts";
import { reach } from "./reach.ts";

/** Has a room's changes committed by the Durable Object that writes to its database, together with those of other rooms. */
export class ObjectStore implements Pick<ChatStore, "commit"> {
  readonly #databases: Pick<DatabaseStubs, "of">;
  readonly #databaseMs: number;

  constructor(databases: Pick<DatabaseStubs, "of">, { databaseMs }: Limits) {
    this.#databases = databases;
    this.#databaseMs = databaseMs;
  }

  /** The changes are all of one room. */
  async commit(changes: readonly RoomChange[]): Promise<Commit> {
    const request = create(ChangeGroupSchema, { changes: changes.map((change) => ({ change })) });
    const beginBy = Date.now() + this.#databaseMs / 2;
    const database = this.#databases.of(changes[0]!.value.roomId);
    const answer = database.commit(toBinary(ChangeGroupSchema, request), beginBy);
    const { outcomes, news, reads } = fromBinary(GroupOutcomeSchema, await reach("database", answer, this.#databaseMs));
    return { outcomes: outcomes.map(fromOutcome), news, reads };
  }
}
