interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly answer: PromiseWithResolvers<Answer>;
}

/** How many questions a read answers, and how many reads are under way at a time. */
export interface BatchSize {
  readonly questions: number;
  readonly reads: number;
}

/**
 * Reads for all readers of a process. A few reads are under way at a time; what is asked meanwhile waits for the next one
 * and shares it, and those who ask the same get the same.
 */
export class BatchedReads<Question, Answer> {
  readonly #read: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  readonly #size: BatchSize;
  readonly #waiting = new Map<string, Waiting<Question, Answer>>();
  #underWay = 0;

  constructor(read: (questions: readonly Question[]) => Promise<readonly Answer[]>, size: BatchSize) {
    this.#read = read;
    this.#size = size;
  }

  /** The answer from a snapshot that is taken from now on. Questions with the same key are the same. */
  ask(key: string, question: Question): Promise<Answer> {
    let waiting = this.#waiting.get(key);
    if (!waiting) {
      waiting = { question, answer: Promise.withResolvers() };
      this.#waiting.set(key, waiting);
      // Those who ask in the same turn, as all do after a notification that was lost, share the first read.
      if (this.#waiting.size === 1) queueMicrotask(() => this.#next());
    }
    return waiting.answer.promise;
  }

  #next(): void {
    const { questions, reads } = this.#size;
    while (this.#underWay < reads && this.#waiting.size > 0) {
      const taken = [...this.#waiting.entries().take(questions)];
      for (const [key] of taken) this.#waiting.delete(key);
      void this.#answer(taken.map(([, waiting]) => waiting));
    }
  }

  async #answer(waiting: readonly Waiting<Question, Answer>[]): Promise<void> {
    this.#underWay++;
    try {
      const answers = await this.#read(waiting.map(({ question }) => question));
      waiting.forEach(({ answer }, i) => answer.resolve(answers[i]!));
    } catch (reason) {
      for (const { answer } of waiting) answer.reject(reason);
    }
    this.#underWay--;
    this.#next();
  }
}
