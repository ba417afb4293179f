/** A hash table of the newest answer's place for each key. One array of numbers, 48 to 96 bytes for each answer. */

/** The place of an answer in the folder. */
export interface AnswerPlace {
  /** The number that this process has given to the segment. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  /** µs since the epoch. */
  readonly at: number;
}

/**
 * A slot is eight adjacent 32-bit words, so that a lookup costs one CPU cache miss: hash (two words), segment number
 * plus one (0 marks a free slot), offset, length, date (two words), unused.
 */
const SLOT_WORDS = 8;
const WORD = 2 ** 32;
const FIRST_SLOTS = 1_024;

/** A hash table with open addressing and linear probing, at most two thirds full. Entries are never removed. */
export class KeyTable {
  readonly #maxEntries: number;
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * SLOT_WORDS);
  #count = 0;
  #replaced = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#count;
  }

  /** The number of times that a place replaced an older place of the same key. */
  get replaced(): number {
    return this.#replaced;
  }

  /** True if the table accepts no new key. */
  get isFull(): boolean {
    return this.#count >= this.#maxEntries;
  }

  /** Grows the table in one step for `more` keys. */
  reserve(more: number): void {
    const wanted = Math.min(this.#count + more, this.#maxEntries) * 1.5;
    let slots = this.#slots;
    while (slots < wanted) slots *= 2;
    if (slots > this.#slots) this.#resize(slots);
  }

  /** Sets the place of a key. If the key has a place, the later date wins; with equal dates the new place wins. */
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
    else this.#replaced += 1;
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

  /** Returns the index of the first word of the key's slot, or of the free slot where the key belongs. */
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
