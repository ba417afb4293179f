/**
 * Foresees the model calls of one run of a cascade without making them: their prompts, keys and stored answers.
 *
 * A run takes one way through its cells. A foresight takes all ways at once: where an unknown answer decides on a `when`,
 * a route, a ward or a take, it goes on with each call that may follow, and says how sure the call is. So it is no run
 * with another host.
 */
import { isTruthy, valueText } from '../../cascade/plain-json.ts';
import { RvbbitError } from '../../errors.ts';
import { RUN_MAX_CELL_STEPS } from '../../limits.ts';
import type {
  CascadeProgram,
  CellProgram,
  InstructionsCellProgram,
  NestedProgram,
} from '../../run/program.ts';
import { cellAfter } from '../../run/routing.ts';
import type { Variant } from '../../run/run-state.ts';
import type { JsonObject } from '../../util/json.ts';
import { foreseeCall } from './foresee-call.ts';
import { foreseeGuarded, type GuardedRun } from './foresee-guarded.ts';
import {
  type CallChance,
  type ForeseenCall,
  type ForeseenRun,
  type ForesightHost,
  type Known,
  RunEnds,
  type Surroundings,
} from './foreseen.ts';
import { type Given, Knowledge } from './knowledge.ts';

/** Foresees a run on `input`. Only templates are executed, so the outputs of `js` and `sql_data` cells are not known. */
export function foreseeRun(
  program: CascadeProgram,
  input: JsonObject,
  host: ForesightHost,
): ForeseenRun {
  const calls: ForeseenCall[] = [];
  const lacking: { model?: true } = {};
  const value = foreseeWithin(program, { value: input }, { host, calls, lacking, chance: 'sure' });
  return {
    calls,
    ...(value === undefined ? {} : { value: valueText(value.value) }),
    ...(lacking.model === undefined ? {} : { lacksModel: lacking.model }),
  };
}

function foreseeWithin(program: CascadeProgram, input: Known, around: Surroundings): Known {
  try {
    return new Foresight(program, input, around).run();
  } catch (thrown) {
    // A template that fails here also fails in the run.
    if (thrown instanceof RunEnds || thrown instanceof RvbbitError) return undefined;
    throw thrown;
  }
}

class Foresight implements GuardedRun {
  readonly #program: CascadeProgram;
  readonly #around: Surroundings;
  readonly #knowledge: Knowledge;
  #chance: CallChance;

  constructor(program: CascadeProgram, input: Known, around: Surroundings) {
    this.#program = program;
    this.#around = around;
    this.#knowledge = new Knowledge(input, program.noOutputs);
    this.#chance = around.chance;
  }

  get chance(): CallChance {
    return this.#chance;
  }

  run(): Known {
    const { cells, checkInput, output } = this.#program;
    const { input } = this.#knowledge;
    if (input !== undefined && checkInput?.(input.value) !== undefined) throw new RunEnds();
    let last: Known = { value: null };
    for (let index = 0, steps = 0; index < cells.length; steps++) {
      if (steps === RUN_MAX_CELL_STEPS) throw new RunEnds();
      const cell = cells[index]!;
      const runs = this.#whetherRuns(cell);
      if (runs === 'no') {
        index += 1;
        continue;
      }
      last = this.by(runs === 'open' ? this.#opened() : this.#chance, () => {
        const known = this.#orNull(cell);
        return this.#chance === 'sure' ? known : undefined;
      });
      this.#knowledge.learn(cell.name, last);
      for (const [key, expression] of cell.set ?? []) {
        this.#knowledge.set(key, expression, this.#chance === 'sure');
      }
      if (last !== undefined) index = cellAfter(this.#program, cell, index, last.value);
      else {
        // The unknown answer decides which cells follow.
        if (cell.routing !== undefined) this.#chance = this.#opened();
        index += 1;
      }
    }
    return output === undefined ? last : this.#knowledge.valueOf(output);
  }

  by<T>(chance: CallChance, foresee: () => T): T {
    const before = this.#chance;
    this.#chance = chance;
    try {
      return foresee();
    } finally {
      this.#chance = before;
    }
  }

  cell(cell: CellProgram, variant: Variant | undefined): Known {
    switch (cell.kind) {
      case 'instructions':
        return this.ask(cell, variant, {});
      case 'cascade': {
        const input = this.#knowledge.inputOf(cell.inputs);
        return foreseeWithin(cell.program, input, this.#here(variant));
      }
      case 'guarded':
        return foreseeGuarded(cell, this, variant);
      case 'sql_data':
        if (cell.eachRow !== undefined) this.#foreseeRows(cell.eachRow);
        return undefined;
      case 'js':
        return undefined;
      case 'unsupported':
        throw new RunEnds();
    }
  }

  ask(cell: InstructionsCellProgram, variant: Variant | undefined, given: Given): Known {
    return foreseeCall(cell, this.#knowledge, this.#here(variant), given);
  }

  nested({ program }: NestedProgram, given: JsonObject | undefined, variant?: Variant): Known {
    const { input } = this.#knowledge;
    const { state } = this.#knowledge.view();
    const told =
      given === undefined || input === undefined
        ? undefined
        : { value: { input: input.value, state: { ...state }, ...given } };
    return foreseeWithin(program, told, this.#here(variant));
  }

  toldOf(output: Known): JsonObject | undefined {
    if (output === undefined || !this.#knowledge.isWhole) return undefined;
    return { outputs: { ...this.#knowledge.view().outputs }, output: output.value };
  }

  /** Foresees the runs for a query's rows. The query is not run. As many rows as the RUN's table has are expected. */
  #foreseeRows(program: CascadeProgram): void {
    const input = this.#knowledge.input?.value as JsonObject | undefined;
    const rows = Number(input?.['row_count'] ?? 1);
    foreseeWithin(program, undefined, { ...this.#here(undefined), rows });
  }

  #here(variant: Variant | undefined): Surroundings {
    return { ...this.#around, chance: this.#chance, variant };
  }

  /** Returns the chance of calls on which an unknown answer decides. */
  #opened(): CallChance {
    return this.#chance === 'sure' ? 'open' : this.#chance;
  }

  #whetherRuns({ when }: CellProgram): 'yes' | 'no' | 'open' {
    if (when === undefined) return 'yes';
    const known = this.#knowledge.valueOf(when);
    if (known === undefined) return 'open';
    return isTruthy(known.value) ? 'yes' : 'no';
  }

  /** Foresees a cell. If it fails and is allowed to, its output is null. */
  #orNull(cell: CellProgram): Known {
    try {
      return this.cell(cell, this.#around.variant);
    } catch (thrown) {
      if (cell.nullOnError && thrown instanceof RunEnds) return { value: null };
      throw thrown;
    }
  }
}
