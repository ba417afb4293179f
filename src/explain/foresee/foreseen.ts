/** The types for foreseeing a run: its foreseen calls, and what foreseeing works with. */

import type { ChatRequest } from '../../model/chat.ts';
import type { RunSettings } from '../../run/contract.ts';
import type { Variant } from '../../run/run-state.ts';
import type { Json } from '../../util/json.ts';

/** When a call is made. `sure`: in every run. `open`: if an earlier answer says so. `rare`: after a failure or a refusal. */
export type CallChance = 'sure' | 'open' | 'rare';

/** A call that the run would make, or an answer that it would find. */
export interface ForeseenCall {
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly chance: CallChance;
  /** Absent if the prompt depends on an answer that is not stored. */
  readonly callKey?: string;
  /** True if a usable answer is stored. */
  readonly isStored: boolean;
  /** Counted as by the engine's limiter; an estimate if there is no `callKey`. */
  readonly inputTokens: number;
  readonly outputCap?: number;
  /** Present if the question may share a call with others (BATCH). */
  readonly sharing?: { readonly key: string; readonly request: ChatRequest };
  /** The call is made for each row of a query that is not run. This many rows are expected, and there may be more. */
  readonly rows?: number;
}

/** A run as far as it can be foreseen. */
export interface ForeseenRun {
  readonly calls: readonly ForeseenCall[];
  /** The text of the run's value; absent if the value is not known or the run fails. */
  readonly value?: string | null;
  /** True if the run asks a model for sure, and there is none. */
  readonly lacksModel?: true;
}

/** The settings for requests, and the search for stored answers. */
export interface ForesightHost {
  readonly settings: RunSettings;
  /** Returns the text of a stored answer that the statement may use. */
  find(callKey: string): string | undefined;
}

/** A cell's output or a run's value; undefined if it is not known. */
export type Known = { readonly value: Json } | undefined;

/** The parts that a run shares with its nested runs, and how a nested run is made. */
export interface Surroundings {
  readonly host: ForesightHost;
  readonly calls: ForeseenCall[];
  readonly lacking: { model?: true };
  readonly chance: CallChance;
  readonly variant?: Variant | undefined;
  /** The number of rows for which each call is expected to be made; absent: the call is made once. */
  readonly rows?: number;
}

/** Thrown if the run fails here, and so makes no further calls. */
export class RunEnds extends Error {}
