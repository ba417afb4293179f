/** The interface of a provider's Batch API: many requests in one batch, which is answered within a day at half the price. */
import type { Answered } from '../chat.ts';
import type { BatchHttp } from './batch-http.ts';

/** The providers' own limit of a batch's time. Some slack is for results that come at the last moment. */
export const BATCH_DEADLINE_MS = 26 * 3_600_000;
/** Batches that were created longer than this before a given time are not looked at. The provider's clock may differ. */
export const CLOCK_SLACK_MS = 600_000;
/** The most batches that are looked at to find one. */
export const BATCHES_LOOKED_AT = 10_000;

/** A batch that was created, or is to be. */
export interface BatchName {
  /** The engine's own name for it. The custom id of a request is this name, a hyphen and the request's index. */
  readonly id: string;
  readonly createdMs: number;
  /** The call key of each request. */
  readonly keys: readonly string[];
}

/** A batch that has ended. */
export interface EndedBatch {
  /** The paths of the files with the results, one a line. */
  readonly files: readonly string[];
  /** The answer to each request without a result. */
  readonly rest: Answered;
  /** The provider takes no more batches now. No request was executed. */
  readonly isFull?: boolean;
}

/** The result of one request. */
export interface BatchResult {
  readonly id: string;
  readonly answer: Answered;
}

/** The Batch API of a protocol. It has no state. Methods throw an `RvbbitError`, which says whether a retry may help. */
export interface BatchApi {
  /** True if a batch can be found by its name. If not, only its results tell the name. */
  readonly isNamed: boolean;
  /** Writes a request with its custom id. `body` is the body of a single call. */
  request(id: string, body: string): string;
  /** Creates a batch and returns the provider's id of it. */
  create(http: BatchHttp, name: BatchName, requests: readonly string[]): Promise<string>;
  /** Returns the ids of the batches that may have this name. */
  candidates(http: BatchHttp, name: BatchName): Promise<readonly string[]>;
  /** Returns undefined as long as the batch is worked on. */
  ended(http: BatchHttp, batch: string): Promise<EndedBatch | undefined>;
  /** Reads a line of a file with results. Returns undefined if it is no result. */
  readResult(line: unknown): BatchResult | undefined;
  cancel(http: BatchHttp, batch: string): Promise<void>;
}

/** Returns the answer in place of a result that never came. Such a request is asked again. */
export function notAnswered(status: number, message: string): Answered {
  return { status, body: JSON.stringify({ error: { message } }) };
}
