/** What one run of a cascade would ask of models, found without asking: its prompts, their keys, answers at hand. */

import { canonicalJson, isTruthy, valueText } from '../src/cascade/plain-json.ts';
import { evaluateExpression, type TemplateContext } from '../src/cascade/template.ts';
import { RvbbitError } from '../src/errors.ts';
import type { Json, JsonObject } from '../src/json.ts';
import { RUN_MAX_CELL_STEPS } from '../src/limits.ts';
import { aboutTokens } from './about-tokens.ts';
import { callKeyOf } from './call-key.ts';
import { tokensOf } from './call-model.ts';
import { buildObject } from './cells/cascade.ts';
import { indexOf, judgeOf } from './cells/evaluator.ts';
import { readAnswer, requestFor } from './cells/instructions.ts';
import { medianOf, voteOf } from './cells/reduce-takes.ts';
import { variantOf } from './cells/takes.ts';
import type {
  CascadeProgram,
  CellProgram,
  GuardedCellProgram,
  InputProgram,
  InstructionsCellProgram,
} from './compile-cascade.ts';
import type { NestedProgram, TakesProgram, WardProgram } from './compile-guards.ts';
import type { CallChance, ForeseenCall, ForeseenRun, ForesightHost, Known } from './foreseen.ts';
import { KnownSoFar } from './known-so-far.ts';
import type { Variant } from './run-state.ts';

/** The run ends here: it fails, and asks nothing more. */
class RunEnds extends Error {}

/** Foresees a run on `input`. Nothing but templates is executed: what `js` and `sql_data` cells give is not known. */
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

interface Surroundings {
  readonly host: ForesightHost;
  readonly calls: ForeseenCall[];
  readonly lacking: { model?: true };
  readonly chance: CallChance;
  readonly variant?: Variant | undefined;
}

function foreseeWithin(program: CascadeProgram, input: Known, around: Surroundings): Known {
  try {
    return new Foresight(program, input, around).run();
  } catch (thrown) {
    // A template that fails fails in the run as well.
    if (thrown instanceof RunEnds || thrown instanceof RvbbitError) return undefined;
    throw thrown;
  }
}

class Foresight {
  readonly #program: CascadeProgram;
  readonly #around: Surroundings;
  readonly #known: KnownSoFar;
  #chance: CallChance;

  constructor(program: CascadeProgram, input: Known, around: Surroundings) {
    this.#program = program;
    this.#known = new KnownSoFar(input, program.noOutputs);
    this.#around = around;
    this.#chance = around.chance;
  }

  run(): Known {
    const { cells, checkInput, output, cellIndex } = this.#program;
    if (this.#known.input !== undefined && checkInput?.(this.#known.input.value) !== undefined) {
      throw new RunEnds();
    }
    let last: Known = { value: null };
    for (let index = 0, steps = 0; index < cells.length; steps++) {
      if (steps === RUN_MAX_CELL_STEPS) throw new RunEnds();
      const cell = cells[index]!;
      index += 1;
      const runs = this.#whetherRuns(cell);
      if (runs === 'no') continue;
      const chance = this.#chance;
      if (runs === 'open' && chance === 'sure') this.#chance = 'open';
      const known = this.#orNull(cell);
      const isSure = this.#chance === 'sure';
      this.#chance = chance;
      last = isSure ? known : undefined;
      if (last === undefined) this.#known.unknown.add(cell.name);
      else {
        this.#known.unknown.delete(cell.name);
        this.#known.outputs[cell.name] = last.value;
      }
      this.#set(cell);
      if (cell.routing === undefined) continue;
      if (last === undefined) {
        // Which cells follow is the answer's to say.
        if (this.#chance === 'sure') this.#chance = 'open';
        continue;
      }
      const target = cell.routing[routeOf(last.value, cell.routing)];
      if (target !== undefined) index = cellIndex.get(target) ?? index;
    }
    if (output === undefined) return last;
    return this.#known.knows(output.references)
      ? { value: evaluateExpression(output, this.#known.view()) }
      : undefined;
  }

  #whetherRuns({ when }: CellProgram): 'yes' | 'no' | 'open' {
    if (when === undefined) return 'yes';
    if (!this.#known.knows(when.references)) return 'open';
    return isTruthy(evaluateExpression(when, this.#known.view())) ? 'yes' : 'no';
  }

  #set({ set }: CellProgram): void {
    for (const [key, expression] of set ?? []) {
      if (this.#chance !== 'sure' || !this.#known.knows(expression.references)) {
        this.#known.isStateKnown = false;
      } else this.#known.state[key] = evaluateExpression(expression, this.#known.view());
    }
  }

  /** A cell that fails may be allowed to. */
  #orNull(cell: CellProgram): Known {
    try {
      return this.#cell(cell, this.#around.variant);
    } catch (thrown) {
      if (cell.nullOnError && thrown instanceof RunEnds) return { value: null };
      throw thrown;
    }
  }

  #cell(cell: CellProgram, variant: Variant | undefined): Known {
    switch (cell.kind) {
      case 'instructions':
        return this.#instructions(cell, variant);
      case 'cascade': {
        const input = this.#nestedInput(cell.inputs);
        return foreseeWithin(cell.program, input, this.#inner(variant));
      }
      case 'guarded':
        return this.#guarded(cell, variant);
      case 'js':
      case 'sql_data':
        return undefined;
      case 'unsupported':
        throw new RunEnds();
    }
  }

  #instructions(
    cell: InstructionsCellProgram,
    variant: Variant | undefined,
    given: Pick<TemplateContext, 'takes'> = {},
  ): Known {
    const { host, calls } = this.#around;
    const target = host.settings.models?.targets[cell.model ?? ''];
    if (target === undefined) {
      if (this.#chance !== 'sure') return undefined;
      this.#around.lacking.model = true;
      throw new RunEnds();
    }
    const { model } = target;
    const provider = target.kind === 'provider' ? target.provider.id : 'function';
    const call = { cell: cell.name, provider, model, chance: this.#chance };
    const isRendered =
      this.#known.knows(cell.instructions.references, given) &&
      (cell.system === undefined || this.#known.knows(cell.system.references, given));
    if (!isRendered) {
      const cap = cell.parameters['max_tokens'];
      calls.push({
        ...call,
        isAtHand: false,
        inputTokens: aboutTokens(cell, this.#known, host),
        ...(typeof cap === 'number' ? { outputCap: cap } : {}),
      });
      return undefined;
    }
    const request = requestFor(cell, { ...this.#known.view(), ...given }, model, host);
    if (request === undefined) throw new RunEnds();
    const callKey = callKeyOf(provider, request, variant);
    const { inputTokens, outputTokens } = tokensOf(request);
    const text = host.find(callKey);
    const answer = text === undefined ? undefined : readAnswer(cell, { text });
    calls.push({
      ...call,
      callKey,
      isAtHand: answer?.ok === true,
      inputTokens,
      ...(outputTokens === undefined ? {} : { outputCap: outputTokens }),
    });
    return answer?.ok === true ? { value: answer.value } : undefined;
  }

  /** Wards are taken to let pass; those that are cascades ask. */
  #guarded(cell: GuardedCellProgram, variant: Variant | undefined): Known {
    for (const ward of cell.pre) this.#ward(ward, { value: null });
    const known = this.#doneOnce(cell, variant);
    for (const ward of cell.post) this.#ward(ward, known);
    const times = Math.max(1, ...cell.post.map(({ maxAttempts }) => maxAttempts));
    if (times > 1) {
      const chance = this.#chance;
      this.#chance = 'rare';
      for (let redo = 1; redo < times; redo++) this.#doneOnce(cell, { take: 0, redo });
      this.#chance = chance;
    }
    return known;
  }

  #doneOnce({ takes, cell }: GuardedCellProgram, variant: Variant | undefined): Known {
    if (takes === undefined) return this.#cell(cell, variant);
    const chance = this.#chance;
    const all: Known[] = [];
    for (let take = 0; take < takes.factor; take++) {
      const own = variantOf(variant === undefined ? {} : { variant }, takes, take);
      all.push(this.#cell(cell, own));
      // The next take is only for where this one has failed.
      if (takes.reduce === 'first_valid') this.#chance = 'rare';
    }
    this.#chance = chance;
    if (takes.reduce === 'first_valid') return all[0];
    const values = all.flatMap((known) => (known === undefined ? [] : [known.value]));
    if (values.length < all.length) {
      if (takes.reduce === 'evaluator') this.#evaluator(takes, undefined, variant);
      return undefined;
    }
    if (takes.reduce === 'vote') return { value: voteOf(values) };
    if (takes.reduce === 'evaluator') return this.#evaluator(takes, values, variant);
    const numbers = values.filter((value) => typeof value === 'number');
    return numbers.length === values.length ? { value: medianOf(numbers) } : undefined;
  }

  /** Takes that agree need no one to choose among them. */
  #evaluator(
    { evaluator, factor }: TakesProgram,
    values: readonly Json[] | undefined,
    variant: Variant | undefined,
  ): Known {
    if (evaluator === undefined) return values === undefined ? undefined : { value: values[0]! };
    if (values !== undefined && new Set(values.map(canonicalJson)).size === 1) {
      return { value: values[0]! };
    }
    const chance = this.#chance;
    if (values === undefined && chance === 'sure') this.#chance = 'open';
    const takes = values === undefined ? {} : { takes: values };
    const last = factor - 1;
    const answer =
      evaluator.kind === 'cascade'
        ? this.#nested(evaluator, values === undefined ? undefined : takes, variant)
        : this.#instructions(judgeOf(evaluator.cell, last), variant, takes);
    this.#chance = chance;
    const best = answer === undefined ? undefined : indexOf(answer.value, last);
    return values === undefined || best === undefined ? undefined : { value: values[best]! };
  }

  #ward({ check }: WardProgram, output: Known): void {
    if (check.kind !== 'cascade') return;
    const isKnown = output !== undefined && this.#known.knowsAll();
    this.#nested(
      check,
      isKnown ? { outputs: { ...this.#known.outputs }, output: output.value } : undefined,
    );
  }

  #nested(
    { program }: NestedProgram,
    given: JsonObject | undefined,
    variant?: Variant | undefined,
  ): Known {
    const input =
      given === undefined || this.#known.input === undefined
        ? undefined
        : { value: { input: this.#known.input.value, state: { ...this.#known.state }, ...given } };
    return foreseeWithin(program, input, this.#inner(variant));
  }

  #inner(variant: Variant | undefined): Surroundings {
    return { ...this.#around, chance: this.#chance, variant };
  }

  #nestedInput(inputs: Readonly<Record<string, InputProgram>> | undefined): Known {
    if (inputs === undefined) return this.#known.input;
    const isKnown = Object.values(inputs).every((program) => this.#known.knowsInput(program));
    return isKnown ? { value: buildObject(inputs, this.#known.view()) } : undefined;
  }
}

function routeOf(output: Json, routing: Readonly<Record<string, string>>): string {
  const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
  const route = isObject ? (output as JsonObject)['_route'] : undefined;
  return typeof route === 'string' && Object.hasOwn(routing, route) ? route : 'default';
}
