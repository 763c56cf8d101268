import { expect, test } from "vitest";
import { beginningOf } from "../../src/chat/change-place.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { readChanges } from "../contract/store-change-log.ts";
import { apply } from "../support/changes.ts";
import { ANY_BYTES } from "../support/send-store.ts";
import { newSpokenRoom } from "../support/stored-rooms.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("[S17] what is of before revisions were kept comes first, by rooms, and then what has one; deletions too", async () => {
  await using directory = await temporaryDirectory();
  await using database = await openDatabase(`file:${directory.path}/old.db`);
  await migrate(database);
  const store = new LibsqlStore(database);
  const rooms = [];
  for (let i = 0; i < 3; i++) rooms.push(await newSpokenRoom(store, 1n, [2n, 3n], ["a", "b", "c"]));
  for (const table of ["messages", "members", "room_records"])
    await database.write([`UPDATE ${table} SET revision = 0`]);
  const { roomId, messages } = rooms[1]!;
  await apply(store, "editMessage", { roomId, userId: 1n, messageId: messages[0]!.id, body: "A" });
  await database.write([
    "INSERT INTO deleted_rooms VALUES (0, 77, 1, 1)",
    "INSERT INTO deleted_rooms VALUES (1000, 78, 1, 1)",
    "UPDATE log_state SET revision = 1000",
  ]);
  const told = (await readChanges(store, beginningOf(0n))).map(({ place }) => [place.roomId, place.log, place.number]);
  const ofRoom = (id: bigint, seqs: bigint[]) => [
    [id, "room", 0n],
    ...[1n, 2n, 3n].map((number) => [id, "member", number]),
    ...seqs.map((seq) => [id, "message", seq]),
  ];
  expect(told).toEqual([
    ...ofRoom(rooms[0]!.roomId, [1n, 2n, 3n]),
    ...ofRoom(rooms[1]!.roomId, [2n, 3n]),
    ...ofRoom(rooms[2]!.roomId, [1n, 2n, 3n]),
    [77n, "roomDeleted", 0n],
    [rooms[1]!.roomId, "message", 4n],
    [78n, "roomDeleted", 0n],
  ]);
  for (const changes of [1, 2, 3, 5]) {
    const pages = await readChanges(store, beginningOf(0n), { changes, bytes: ANY_BYTES });
    expect(pages.map(({ place }) => [place.roomId, place.log, place.number])).toEqual(told);
  }
});
