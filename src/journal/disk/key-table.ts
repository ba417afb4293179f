/** Where the newest answer of each key stands: a hash table in columns of numbers, 40 bytes an answer. */

/** An answer's place in the folder. */
export interface AnswerPlace {
  /** The segment's number in this process. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly at: number;
}

/** Open addressing with linear probing, never more than two thirds full. Nothing is ever taken out. */
export class KeyTable {
  readonly #maxEntries: number;
  #slots = 1024;
  #count = 0;
  #at = new Float64Array(1024);
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** Segment number plus one; 0 is a free slot. */
  #segment = new Uint32Array(1024);
  #offset = new Uint32Array(1024);
  #length = new Uint32Array(1024);

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
    if (this.#segment[slot] === 0) {
      if (this.isFull) return;
      this.#count += 1;
    } else if (this.#at[slot]! > at) return;
    this.#at[slot] = at;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#segment[slot] = segment + 1;
    this.#offset[slot] = offset;
    this.#length[slot] = length;
    if (this.#count * 1.5 > this.#slots) this.#resize(this.#slots * 2);
  }

  get(high: number, low: number): AnswerPlace | undefined {
    const slot = this.#slotOf(high, low);
    if (this.#segment[slot] === 0) return undefined;
    return {
      segment: this.#segment[slot]! - 1,
      offset: this.#offset[slot]!,
      length: this.#length[slot]!,
      at: this.#at[slot]!,
    };
  }

  /** The slot of the key, or the free one where it would go. */
  #slotOf(high: number, low: number): number {
    const mask = this.#slots - 1;
    let slot = (high ^ Math.imul(low, 0x9e3779b1)) & mask;
    while (this.#segment[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #resize(slots: number): void {
    const old = {
      slots: this.#slots,
      at: this.#at,
      high: this.#high,
      low: this.#low,
      segment: this.#segment,
      offset: this.#offset,
      length: this.#length,
    };
    this.#slots = slots;
    this.#at = new Float64Array(slots);
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#segment = new Uint32Array(slots);
    this.#offset = new Uint32Array(slots);
    this.#length = new Uint32Array(slots);
    for (let from = 0; from < old.slots; from += 1) {
      if (old.segment[from] === 0) continue;
      const to = this.#slotOf(old.high[from]!, old.low[from]!);
      this.#at[to] = old.at[from]!;
      this.#high[to] = old.high[from]!;
      this.#low[to] = old.low[from]!;
      this.#segment[to] = old.segment[from]!;
      this.#offset[to] = old.offset[from]!;
      this.#length[to] = old.length[from]!;
    }
  }
}
