import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SearchMessagesReqSchema } from "../../gen/chat_pb.ts";
import { indexNext, type SearchIndex } from "../../src/chat/search-indexer.ts";
import type { Database } from "../../src/libsql/database.ts";
import { openDatabase } from "../../src/libsql/open.ts";
import { migrate } from "../../src/libsql/schema/migrate.ts";
import { LibsqlSearchIndex } from "../../src/libsql/search-index.ts";
import { LibsqlStore } from "../../src/libsql/store.ts";
import { apply } from "../support/changes.ts";
import { newSpokenRoom } from "../support/stored-rooms.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const ANN = 1n;

describe("the index of words", () => {
  let directory: TemporaryDirectory;
  let database: Database;
  let store: LibsqlStore;
  let index: LibsqlSearchIndex;
  const path = () => `${directory.path}/search.db`;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    database = await openDatabase(`file:${path()}`);
    await migrate(database);
    store = new LibsqlStore(database);
    index = new LibsqlSearchIndex(database);
  });
  afterEach(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const find = async (roomId: bigint, query: string) => {
    const { found } = await store.searchMessages(create(SearchMessagesReqSchema, { roomId, userId: ANN, query }));
    return found.map(({ message }) => message!.body);
  };
  const entries = async () => {
    const [rows] = await database.read(["SELECT words FROM message_words ORDER BY rowid"]);
    return rows!.map(({ words }) => `${words}`.replace(/^\S+ /, ""));
  };

  /** The index, where something happens between a read and the write after it. */
  const meanwhile = (happen: () => Promise<unknown>): SearchIndex => ({
    pending: async (count) => {
      const step = await index.pending(count);
      await happen();
      return step;
    },
    put: (messages, after) => index.put(messages, after),
  });

  test("[X1] whoever comes second enters nothing, and goes on from where the first has come", async () => {
    const { roomId } = await newSpokenRoom(store, ANN, [], ["one", "two"]);
    const second = meanwhile(() => indexNext(index));
    expect(await indexNext(second)).toMatchObject({ isOthers: true });
    expect(await entries()).toEqual(["one", "two"]);
    expect(await indexNext(index)).toMatchObject({ isWhole: true, isOthers: false });
    expect(await find(roomId, "two")).toEqual(["two"]);
  });

  test("[X2] a message that was edited or deleted between is not entered as it was", async () => {
    const { roomId, messages } = await newSpokenRoom(store, ANN, [], ["one secret", "two plans", "three"]);
    const edit = () => {
      return apply(store, "editMessage", { roomId, userId: ANN, messageId: messages[1]!.id, body: "two things" });
    };
    await indexNext(
      meanwhile(async () => {
        await apply(store, "deleteMessage", { roomId, userId: ANN, messageId: messages[0]!.id });
        await edit();
      }),
    );
    expect(await entries()).toEqual(["three"]);
    await indexNext(index);
    expect(await entries()).toEqual(["two things", "three"]);
  });

  test("what hasn't another text stays as it is; one without words leaves", async () => {
    const { roomId, messages } = await newSpokenRoom(store, ANN, [], ["one", "two"]);
    await indexNext(index);
    const asAnn = { roomId, userId: ANN };
    await apply(store, "editMessage", { ...asAnn, messageId: messages[0]!.id, body: "ONE!" });
    await apply(store, "editMessage", { ...asAnn, messageId: messages[1]!.id, body: "?" });
    expect(await indexNext(index)).toMatchObject({ isWhole: true });
    expect(await entries()).toEqual(["one"]);
  });

  test("[X3] the words of a deleted message, or of a row that goes, are nowhere in the file", async () => {
    const bodies = ["keep this", "zanzibar one", "zanzibar two", "zanzibar three"];
    const { roomId, messages } = await newSpokenRoom(store, ANN, [], bodies);
    await indexNext(index);
    await apply(store, "deleteMessage", { roomId, userId: ANN, messageId: messages[1]!.id });
    expect(await find(roomId, "zanzibar")).toEqual(["zanzibar three", "zanzibar two"]);
    await apply(store, "editMessage", { roomId, userId: ANN, messageId: messages[2]!.id, body: "other" });
    await indexNext(index);
    await database.write([{ sql: "DELETE FROM messages WHERE id = ?1", args: [messages[3]!.id] }]);
    expect(await entries()).toEqual(["keep this", "other"]);
    await database[Symbol.asyncDispose]();
    const file = await readFile(path());
    expect(file.includes("keep")).toBe(true);
    expect(file.includes("anzibar")).toBe(false);
    database = await openDatabase(`file:${path()}`);
  });

  test("takes small steps", async () => {
    const texts = Array.from({ length: 250 }, (_, i) => `text ${i}`);
    await newSpokenRoom(store, ANN, [], texts);
    const steps = [];
    do steps.push(await indexNext(index));
    while (!steps.at(-1)!.isWhole);
    expect(steps).toHaveLength(3);
    const long = Array.from({ length: 20 }, () => "x".repeat(8_000));
    await newSpokenRoom(store, ANN, [], long);
    expect(await indexNext(index)).toMatchObject({ isWhole: false });
  });
});
