/** What is foreseen of a run, and what foreseeing works with. */

import type { RunSettings } from '../../run/contract.ts';
import type { Variant } from '../../run/run-state.ts';
import type { Json } from '../../util/json.ts';

/** Whether a call is made: in every run, as an earlier answer has it, or only after a failure or a refusal. */
export type CallChance = 'sure' | 'open' | 'rare';

/** A call that the run would make, or an answer that it would find. */
export interface ForeseenCall {
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly chance: CallChance;
  /** Absent where the prompt depends on an answer that is not at hand. */
  readonly callKey?: string;
  /** An answer is at hand. */
  readonly isAtHand: boolean;
  /** As the engine's limiter counts them; about right where there is no key. */
  readonly inputTokens: number;
  readonly outputCap?: number;
}

/** A run as far as it can be foreseen. */
export interface ForeseenRun {
  readonly calls: readonly ForeseenCall[];
  /** The text of the run's value; absent where it depends on what is not known, or where the run fails. */
  readonly value?: string | null;
  /** It asks a model for sure, and there is none. */
  readonly lacksModel?: true;
}

/** What foreseeing needs: how requests are made, and where answers are looked for. */
export interface ForesightHost {
  readonly settings: RunSettings;
  /** The text of an answer that the statement may use. */
  find(callKey: string): string | undefined;
}

/** What is known of a cell's output, or of a run's value. */
export type Known = { readonly value: Json } | undefined;

/** What a run and those nested in it share, and how the nested one comes to be. */
export interface Surroundings {
  readonly host: ForesightHost;
  readonly calls: ForeseenCall[];
  readonly lacking: { model?: true };
  readonly chance: CallChance;
  readonly variant?: Variant | undefined;
}

/** The run ends here: it fails, and asks nothing more. */
export class RunEnds extends Error {}
