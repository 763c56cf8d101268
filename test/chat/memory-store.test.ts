import { describe } from "vitest";
import { liveListsContract } from "../contract/store-live-lists.ts";
import { MemoryStore } from "../support/memory-store.ts";

describe("the memory store is a chat store, as far as lists that are followed need it", () => {
  const store = new MemoryStore();
  liveListsContract(() => ({
    store,
    index: async () => {},
    open: async () => store,
    [Symbol.asyncDispose]: async () => {},
  }));
});
