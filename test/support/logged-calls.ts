/** How often each call has left its line in a program's log: the last step of the pipeline, seen from outside. */
export class LoggedCalls {
  readonly #lines = new Map<string, number>();

  /** Takes a line of the program's output. */
  readonly read = (line: string): void => {
    const requestId = /"requestId":"([^"]+)"/.exec(line)?.[1];
    if (requestId !== undefined) this.#lines.set(requestId, this.of(requestId) + 1);
  };

  of(requestId: string): number {
    return this.#lines.get(requestId) ?? 0;
  }
}
