/** A queue whose items can leave from anywhere in it, at the same cost. */

/** An item of a chain; of one at a time. */
export class Link<T> {
  before: T | undefined;
  after: T | undefined;
}

/** Items in the order in which they came. */
export class Chain<T extends Link<T>> {
  head: T | undefined;
  tail: T | undefined;

  push(item: T): void {
    item.before = this.tail;
    item.after = undefined;
    if (this.tail === undefined) this.head = item;
    else this.tail.after = item;
    this.tail = item;
  }

  /** Takes out an item that is in it. */
  remove(item: T): void {
    const { before, after } = item;
    if (before === undefined) this.head = after;
    else before.after = after;
    if (after === undefined) this.tail = before;
    else after.before = before;
    item.before = undefined;
    item.after = undefined;
  }
}
