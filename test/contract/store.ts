import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Limits } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { changeLogContract } from "./store-change-log.ts";
import { changesContract } from "./store-changes.ts";
import { frozenContract } from "./store-frozen.ts";
import { limitsContract } from "./store-limits.ts";
import { listsContract } from "./store-lists.ts";
import { liveListsContract } from "./store-live-lists.ts";
import { logsContract } from "./store-logs.ts";
import { modelContract } from "./store-model.ts";
import { pagesContract } from "./store-pages.ts";
import { reactionsContract } from "./store-reactions.ts";
import { recordsContract } from "./store-records.ts";
import { retriesContract } from "./store-retries.ts";
import { rightsContract } from "./store-rights.ts";
import { roomsContract } from "./store-rooms.ts";
import { searchContract } from "./store-search.ts";
import { sendsContract } from "./store-sends.ts";
import { silenceContract } from "./store-silence.ts";
import { threadsContract } from "./store-threads.ts";

export interface StoreParts extends AsyncDisposable {
  readonly store: ChatStore;
  /** Brings the index of words up to date. */
  index(): Promise<void>;
  /** Another store on the same data, as another process has one. */
  open(limits?: Limits): Promise<ChatStore>;
}

const suites = [
  sendsContract,
  retriesContract,
  roomsContract,
  recordsContract,
  changesContract,
  rightsContract,
  silenceContract,
  frozenContract,
  threadsContract,
  reactionsContract,
  limitsContract,
  listsContract,
  liveListsContract,
  logsContract,
  changeLogContract,
  pagesContract,
  searchContract,
  modelContract,
];

/** The rules of ChatStore in src/chat/store.ts that hold without anything breaking, for anything that implements them. */
export function storeContract(name: string, createParts: () => Promise<StoreParts>): void {
  describe(`${name} is a chat store`, () => {
    let parts: StoreParts;
    beforeAll(async () => {
      parts = await createParts();
    });
    afterAll(() => parts?.[Symbol.asyncDispose]());

    for (const suite of suites) suite(() => parts);

    test("ping resolves", async () => {
      expect(await parts.store.ping()).toBeUndefined();
    });
  });
}
