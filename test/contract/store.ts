import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Limits } from "../../src/chat/limits.ts";
import type { ChatStore } from "../../src/chat/store.ts";
import { changesContract } from "./store-changes.ts";
import { limitsContract } from "./store-limits.ts";
import { listsContract } from "./store-lists.ts";
import { logsContract } from "./store-logs.ts";
import { modelContract } from "./store-model.ts";
import { pagesContract } from "./store-pages.ts";
import { retriesContract } from "./store-retries.ts";
import { rightsContract } from "./store-rights.ts";
import { roomsContract } from "./store-rooms.ts";
import { sendsContract } from "./store-sends.ts";

export interface StoreParts extends AsyncDisposable {
  readonly store: ChatStore;
  /** Another store on the same data, as another process has one. */
  open(limits?: Limits): Promise<ChatStore>;
}

const suites = [
  sendsContract,
  retriesContract,
  roomsContract,
  changesContract,
  rightsContract,
  limitsContract,
  listsContract,
  logsContract,
  pagesContract,
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
