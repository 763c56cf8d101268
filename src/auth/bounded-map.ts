/** Characters of a key, on average over the entries. */
const KEY_CHARACTERS = 1_024;

/** A map of so many entries at most, or of fewer if their keys are long; for one more, the oldest go. */
export class BoundedMap<V> extends Map<string, V> {
  readonly #max: number;
  #characters = 0;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override set(key: string, value: V): this {
    this.delete(key);
    super.set(key, value);
    this.#characters += key.length;
    for (const oldest of this.keys()) {
      if (this.size <= this.#max && this.#characters <= this.#max * KEY_CHARACTERS) break;
      this.delete(oldest);
    }
    return this;
  }

  override delete(key: string): boolean {
    const isThere = super.delete(key);
    if (isThere) this.#characters -= key.length;
    return isThere;
  }
}
