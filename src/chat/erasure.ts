import { create } from "@bufbuild/protobuf";
import { EraseRoomSchema } from "../../gen/room/room_pb.ts";
import type { RoomHost } from "./room-host.ts";
import type { ChatStore } from "./store.ts";

/** Erases what a deleted room has left, in steps between which other changes have their turn. */
export async function eraseRoom(
  rooms: Pick<RoomHost, "apply">,
  roomId: bigint,
  hasToStop = () => false,
): Promise<void> {
  const step = () => rooms.apply({ case: "eraseRoom", value: create(EraseRoomSchema, { roomId }) });
  while ((await step()).hasMore && !hasToStop()) {}
}

/** How often a process looks for deletions that were cut short, in milliseconds. */
const LOOK_MS = 60_000;

/** Finishes the deletions that were cut short, here or in another process: at once, and from time to time. */
export class Eraser implements AsyncDisposable {
  readonly #store: Pick<ChatStore, "unerasedRooms">;
  readonly #rooms: Pick<RoomHost, "apply">;
  readonly #onError: (error: unknown) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #erasing: Promise<void> | undefined;
  #isDisposed = false;

  constructor(
    store: Pick<ChatStore, "unerasedRooms">,
    rooms: Pick<RoomHost, "apply">,
    onError: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#rooms = rooms;
    this.#onError = onError;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  /** Resolves after the step that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearInterval(this.#timer);
    await this.#erasing;
  }

  #look(): void {
    this.#erasing ??= eraseDeletedRooms(this.#store, this.#rooms, () => this.#isDisposed)
      .catch(this.#onError)
      .finally(() => (this.#erasing = undefined));
  }
}

/** Finishes the deletions that were cut short, unless it has to stop between two steps. */
export async function eraseDeletedRooms(
  store: Pick<ChatStore, "unerasedRooms">,
  rooms: Pick<RoomHost, "apply">,
  hasToStop = () => false,
): Promise<void> {
  for (;;) {
    const roomIds = await store.unerasedRooms();
    if (roomIds.length === 0) return;
    for (const roomId of roomIds) {
      await eraseRoom(rooms, roomId, hasToStop);
      if (hasToStop()) return;
    }
  }
}
