/** Puts pieces back in the order of their ordinals, whatever order they settle in. */
import type { Piece } from './chunk.ts';

export class Reassembler {
  readonly #runCount: number;
  readonly #early = new Map<number, Piece>();
  #next = 0;
  #refused = 0;

  constructor(runCount: number) {
    this.#runCount = runCount;
  }

  /** The first run that has not been released. */
  get next(): number {
    return this.#next;
  }

  /** The number of pieces that wait for an earlier piece. */
  get waiting(): number {
    return this.#early.size;
  }

  /** The number of pieces that were not used: they came twice, too late or for runs that do not exist. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes out the waiting pieces, in order. The earlier pieces for which they wait will not come. */
  rest(): readonly Piece[] {
    const rest = [...this.#early.values()].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
    this.#early.clear();
    return rest;
  }

  /** Takes a piece and returns the pieces that can now be released, in order. */
  accept(piece: Piece): readonly Piece[] {
    const { firstOrdinal } = piece;
    const end = firstOrdinal + piece.values.length;
    if (firstOrdinal < this.#next || end > this.#runCount || this.#early.has(firstOrdinal)) {
      this.#refused += 1;
      return [];
    }
    this.#early.set(firstOrdinal, piece);
    const ready: Piece[] = [];
    for (let found = this.#early.get(this.#next); found !== undefined; ) {
      this.#early.delete(this.#next);
      this.#next += found.values.length;
      ready.push(found);
      found = this.#early.get(this.#next);
    }
    return ready;
  }
}
