/** A growing list of record places in one segment, stored as columns of numbers. */

/** The place of one record: the hash of its key, its date (µs), and the bytes of its line without the newline. */
export interface KeyPlace {
  readonly high: number;
  readonly low: number;
  readonly at: number;
  readonly offset: number;
  readonly length: number;
}

/** A list of places. Every place has the same number of bytes, so a list is read from an index file without parsing. */
export class KeyList {
  at: Float64Array;
  high: Uint32Array;
  low: Uint32Array;
  offset: Uint32Array;
  length: Uint32Array;
  count = 0;

  constructor(capacity = 64) {
    this.at = new Float64Array(capacity);
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.offset = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
  }

  add(place: KeyPlace): void {
    if (this.count === this.at.length) this.#grow();
    const n = this.count;
    this.at[n] = place.at;
    this.high[n] = place.high;
    this.low[n] = place.low;
    this.offset[n] = place.offset;
    this.length[n] = place.length;
    this.count = n + 1;
  }

  *places(): Generator<KeyPlace> {
    for (let n = 0; n < this.count; n += 1) {
      yield {
        high: this.high[n]!,
        low: this.low[n]!,
        at: this.at[n]!,
        offset: this.offset[n]!,
        length: this.length[n]!,
      };
    }
  }

  #grow(): void {
    const larger = new KeyList(Math.max(64, 2 * this.count));
    larger.at.set(this.at);
    larger.high.set(this.high);
    larger.low.set(this.low);
    larger.offset.set(this.offset);
    larger.length.set(this.length);
    this.at = larger.at;
    this.high = larger.high;
    this.low = larger.low;
    this.offset = larger.offset;
    this.length = larger.length;
  }
}
