/** How requests of batches go wrong. */
import * as z from 'zod';
import { MAX_LATENCY_MS } from './limits.ts';

const share = z.number().min(0).max(1).default(0);

/** What goes wrong in batches. Shares are drawn for each request from the seed, its content and how often it was uploaded. */
export const batchFaultsSchema = z.strictObject({
  /** How long a batch takes. */
  ms: z.number().min(0).max(MAX_LATENCY_MS).default(0),
  /** Each request to a Batch API is answered so long after it had its effect. */
  replyMs: z.number().min(0).max(MAX_LATENCY_MS).default(0),
  expired: share,
  failed: share,
  /** The result is left out of the file. The request was not executed. */
  missing: share,
  /** A second result with another answer follows later in the file. */
  duplicated: share,
  /** The first so many uploads of a content to which the shares apply. Default: all. */
  uploads: z.int().min(0).optional(),
});

/** What goes wrong in batches, with the defaults. */
export type BatchFaults = z.output<typeof batchFaultsSchema>;
