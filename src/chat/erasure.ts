import { create } from "@bufbuild/protobuf";
import { EraseRoomSchema } from "../../gen/room/room_pb.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore } from "./store.ts";

/** Erases what a deleted room has left, in steps between which other changes have their turn. */
export async function eraseRoom(rooms: Pick<RoomHost, "apply">, roomId: bigint): Promise<void> {
  const step = () => rooms.apply({ case: "eraseRoom", value: create(EraseRoomSchema, { roomId }) });
  while ((await step()).hasMore) {}
}

/** How often a process looks for deletions that were cut short, in milliseconds. */
const LOOK_MS = 60_000;

/** Finishes the deletions that were cut short, here or in another process: at once, and from time to time. */
export class Eraser implements Disposable {
  readonly #erase: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #isErasing = false;

  constructor(
    store: Pick<ChatStore, "unerasedRooms">,
    rooms: Pick<RoomHost, "apply">,
    onError: (error: unknown) => void,
  ) {
    this.#erase = () => eraseDeletedRooms(store, rooms);
    this.#onError = onError;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    void this.#look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isErasing) return;
    this.#isErasing = true;
    await this.#erase().catch(this.#onError);
    this.#isErasing = false;
  }
}

/** Finishes the deletions that were cut short. */
export async function eraseDeletedRooms(
  store: Pick<ChatStore, "unerasedRooms">,
  rooms: Pick<RoomHost, "apply">,
): Promise<void> {
  for (;;) {
    const roomIds = await store.unerasedRooms();
    if (roomIds.length === 0) return;
    for (const roomId of roomIds) await eraseRoom(rooms, roomId);
  }
}
