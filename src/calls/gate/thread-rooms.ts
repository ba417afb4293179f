/** Counts the calls in flight of each worker, so that a worker does not need more connections than it may open. */

/** Counts the calls of one worker. */
export class ThreadRoom {
  readonly #most: () => number;
  readonly #onEmpty: () => void;
  #calls = 0;

  constructor(most: () => number, onEmpty: () => void) {
    this.#most = most;
    this.#onEmpty = onEmpty;
  }

  isFree(): boolean {
    return this.#calls < this.#most();
  }

  /** Only the end of a call makes room. */
  freeAt(): number {
    return Infinity;
  }

  enter(): void {
    this.#calls += 1;
  }

  leave(): void {
    this.#calls -= 1;
    if (this.#calls === 0) this.#onEmpty();
  }
}

/** The rooms of the workers that have calls in flight. */
export class ThreadRooms {
  readonly #most: () => number;
  readonly #rooms = new Map<number, ThreadRoom>();

  constructor(most: () => number) {
    this.#most = most;
  }

  of(threadId = 0): ThreadRoom {
    let room = this.#rooms.get(threadId);
    if (room === undefined) {
      room = new ThreadRoom(this.#most, () => this.#rooms.delete(threadId));
      this.#rooms.set(threadId, room);
    }
    return room;
  }
}
