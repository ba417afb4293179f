/** Where the newest answer of each key stands: a hash table in one array of numbers, 48 to 96 bytes an answer. */

/** An answer's place in the folder. */
export interface AnswerPlace {
  /** The segment's number in this process. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  /** µs since the epoch. */
  readonly at: number;
}

/**
 * A slot is eight words side by side, so that a search costs one cache miss: hash (two), segment number
 * plus one (0 is a free slot), offset, length, date (two), unused.
 */
const SLOT_WORDS = 8;
const WORD = 2 ** 32;
const FIRST_SLOTS = 1_024;

/** Open addressing with linear probing, never more than two thirds full. Nothing is ever taken out. */
export class KeyTable {
  readonly #maxEntries: number;
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * SLOT_WORDS);
  #count = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Keys in the table. */
  get size(): number {
    return this.#count;
  }

  /** No further key is taken up. */
  get isFull(): boolean {
    return this.#count >= this.#maxEntries;
  }

  /** Makes room for so many more keys at once. */
  reserve(more: number): void {
    const wanted = Math.min(this.#count + more, this.#maxEntries) * 1.5;
    let slots = this.#slots;
    while (slots < wanted) slots *= 2;
    if (slots > this.#slots) this.#resize(slots);
  }

  /** Notes a place; of two with one key the later date stays, the newcomer where they are equal. */
  set(
    high: number,
    low: number,
    segment: number,
    offset: number,
    length: number,
    at: number,
  ): void {
    const slot = this.#slotOf(high, low);
    const words = this.#words;
    if (words[slot + 2] === 0) {
      if (this.isFull) return;
      this.#count += 1;
    } else if (words[slot + 5]! * WORD + words[slot + 6]! > at) return;
    words[slot] = high;
    words[slot + 1] = low;
    words[slot + 2] = segment + 1;
    words[slot + 3] = offset;
    words[slot + 4] = length;
    words[slot + 5] = at / WORD;
    words[slot + 6] = at % WORD;
    if (this.#count * 1.5 > this.#slots) this.#resize(this.#slots * 2);
  }

  get(high: number, low: number): AnswerPlace | undefined {
    const slot = this.#slotOf(high, low);
    const words = this.#words;
    if (words[slot + 2] === 0) return undefined;
    return {
      segment: words[slot + 2]! - 1,
      offset: words[slot + 3]!,
      length: words[slot + 4]!,
      at: words[slot + 5]! * WORD + words[slot + 6]!,
    };
  }

  /** The first word of the key's slot, or of the free one where it would go. */
  #slotOf(high: number, low: number): number {
    const words = this.#words;
    const mask = this.#slots * SLOT_WORDS - 1;
    let slot = (Math.imul(high ^ low, SLOT_WORDS) & mask) >>> 0;
    while (words[slot + 2] !== 0 && (words[slot] !== high || words[slot + 1] !== low)) {
      slot = (slot + SLOT_WORDS) & mask;
    }
    return slot;
  }

  #resize(slots: number): void {
    const old = this.#words;
    this.#slots = slots;
    this.#words = new Uint32Array(slots * SLOT_WORDS);
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 2] === 0) continue;
      const to = this.#slotOf(old[from]!, old[from + 1]!);
      for (let word = 0; word < SLOT_WORDS; word += 1) this.#words[to + word] = old[from + word]!;
    }
  }
}
