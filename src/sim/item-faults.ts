/** How answers to calls with several items go wrong. */
import * as z from 'zod';

const share = z.number().min(0).max(1).default(0);

/** How answers to several items go wrong. Each field is the probability for an item; `truncate` for a call. */
export const itemFaultsSchema = z.strictObject({
  /** The item has no answer. */
  drop: share,
  /** The item has a second answer, which is that of another item. */
  repeat: share,
  /** The item exchanges its id with the next item. */
  swap: share,
  /** An answer to an item that was not asked. */
  invent: share,
  /** The answer ends in the middle: sometimes with `length`, sometimes without a word. */
  truncate: share,
});

/** Faults of answers to several items. */
export type ItemFaults = z.infer<typeof itemFaultsSchema>;
