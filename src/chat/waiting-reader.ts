/** Takes an item in the call that hands it over. False if it should be left alone from then on. */
type Push<Item> = (item: Item) => boolean;

/** Where a reader waits until there is something for it to look after, and may be handed items meanwhile. */
export class WaitingReader<Item> {
  #push: Push<Item> | undefined;
  #wake: ((goesOn: boolean) => void) | undefined;

  /** Whether it waits, and takes what it is handed. */
  get takesItems(): boolean {
    return this.#push !== undefined;
  }

  /** Resolves when it is woken; with false, if it has been handed enough. */
  wait(push: Push<Item> | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      this.#push = push;
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#end(true);
  }

  hand(item: Item): void {
    if (!this.#push!(item)) this.#end(false);
  }

  #end(goesOn: boolean): void {
    const wake = this.#wake;
    this.#push = undefined;
    this.#wake = undefined;
    wake?.(goesOn);
  }
}
