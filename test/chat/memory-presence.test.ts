import { presenceStoreContract } from "../contract/presence-store.ts";
import { freshId } from "../support/fresh-id.ts";
import { MemoryPresence } from "../support/memory-presence.ts";

presenceStoreContract("memory", async () => {
  const rooms = new Map<bigint, readonly bigint[]>();
  const presence = new MemoryPresence(
    ({ roomId, userId }) => rooms.get(roomId)?.includes(userId) ?? false,
    (roomId) => (rooms.has(roomId) ? 1n : undefined),
  );
  return {
    presence,
    end: async (process) => presence.end(process),
    async room(members) {
      const roomId = freshId();
      const users = Array.from({ length: members }, () => freshId());
      rooms.set(roomId, users);
      return { roomId, memberSeq: 1n, users };
    },
    [Symbol.asyncDispose]: async () => {},
  };
});
