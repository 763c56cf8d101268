import { foldedWords } from "./words.ts";

/** How far the index has come in the log of all messages. */
export interface SearchPlace {
  readonly revision: bigint;
  readonly roomId: bigint;
  readonly seq: bigint;
}

/** A message that isn't in the index yet, or not as it is now. */
export interface PendingMessage {
  readonly place: SearchPlace;
  readonly id: bigint;
  readonly body: string;
}

/** What comes next. */
export interface SearchStep {
  readonly after: SearchPlace;
  readonly messages: readonly PendingMessage[];
  readonly isWhole: boolean;
  /** The newest revision of the database. */
  readonly revision: bigint;
}

/**
 * The index of words, a reader of the log: it has a place in it, which is stored with it.
 *
 * - X1 put() moves the place from `after` to the last of the messages, and enters their words, both or neither. It does
 *   nothing, and gives false, if the place was another one by then.
 * - X2 A message that has changed since, or was deleted, is not entered: it comes again, or not at all.
 * - X3 A deleted message is out of the index in the transaction that deletes it.
 */
export interface SearchIndex {
  /** The messages after the place, at most so many. */
  pending(count: number): Promise<SearchStep>;
  put(messages: readonly (PendingMessage & { readonly words: string })[], after: SearchPlace): Promise<boolean>;
}

/** Messages of a step, and the characters that its texts have together, but for the first. */
const STEP_MESSAGES = 100;
const STEP_CHARACTERS = 50_000;

/** After a commit, how long others are gathered; and how often to look for those that nobody told of, in milliseconds. */
const GATHER_MS = 1_000;
const LOOK_MS = 30_000;
/** How much longer than a step the pause after it is, while others commit, and while nobody does. */
const BUSY_PAUSE = 25;
const CALM_PAUSE = 2;
/** After a failure, in milliseconds. */
const FAILED_PAUSE_MS = 5_000;

/** What came of a step. */
export interface Indexed {
  /** Whether there is nothing left. */
  readonly isWhole: boolean;
  /** Whether another process is at it. */
  readonly isOthers: boolean;
  readonly revision: bigint;
}

/** Enters the next messages. */
export async function indexNext(index: SearchIndex): Promise<Indexed> {
  const { after, messages, isWhole, revision } = await index.pending(STEP_MESSAGES);
  let characters = 0;
  const taken = messages.filter(({ body }, i) => {
    characters += body.length;
    return i === 0 || characters <= STEP_CHARACTERS;
  });
  if (taken.length === 0) return { isWhole, isOthers: false, revision };
  const entries = taken.map((message) => ({ ...message, words: [...foldedWords(message.body)].join(" ") }));
  const isOurs = await index.put(entries, after);
  return { isWhole: isWhole && taken.length === messages.length && isOurs, isOthers: !isOurs, revision };
}

/**
 * Keeps the index up to date in the background, by small steps with long pauses, so that commits hardly notice. All
 * processes do, and whoever comes second leaves it to the other for a while.
 */
export class SearchIndexer implements AsyncDisposable {
  readonly #index: SearchIndex;
  readonly #onError: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is due, by performance.now(); Infinity while a step is under way. */
  #due = Number.POSITIVE_INFINITY;
  #step: Promise<void> = Promise.resolve();
  #isWoken = false;
  #isDisposed = false;
  #revision = 0n;

  constructor(index: SearchIndex, onError: (error: unknown) => void) {
    this.#index = index;
    this.#onError = onError;
    this.#schedule(GATHER_MS);
  }

  /** Something was committed. */
  wake(): void {
    this.#isWoken = true;
    if (this.#due !== Number.POSITIVE_INFINITY && this.#due > performance.now() + GATHER_MS) this.#schedule(GATHER_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    await this.#step;
  }

  #schedule(ms: number): void {
    if (this.#isDisposed) return;
    clearTimeout(this.#timer);
    this.#due = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY;
      this.#step = this.#run();
    }, ms);
  }

  async #run(): Promise<void> {
    const started = performance.now();
    this.#isWoken = false;
    try {
      const { isWhole, isOthers, revision } = await indexNext(this.#index);
      const pause = (performance.now() - started) * (revision === this.#revision ? CALM_PAUSE : BUSY_PAUSE);
      this.#revision = revision;
      if (isOthers) this.#schedule(GATHER_MS * (1 + 2 * Math.random()));
      else if (isWhole) this.#schedule(this.#isWoken ? GATHER_MS : LOOK_MS);
      else this.#schedule(pause);
    } catch (e) {
      this.#onError(e);
      this.#schedule(FAILED_PAUSE_MS);
    }
  }
}
