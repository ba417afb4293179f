/** A doubly linked list: any item can be removed in constant time. */

/** An item of a chain. It can be in only one chain at a time. */
export class Link<T> {
  before: T | undefined;
  after: T | undefined;
}

/** A list of items in the order of their insertion. */
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

  /** Removes an item, which must be in this chain. */
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
