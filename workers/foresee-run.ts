/** What one run of a cascade would ask of models, found without asking: its prompts, their keys, answers at hand. */

import type { References } from '../src/cascade/jinja-scan.ts';
import { canonicalJson, isTruthy, valueText } from '../src/cascade/plain-json.ts';
import { evaluateExpression, type TemplateContext } from '../src/cascade/template.ts';
import { RvbbitError } from '../src/errors.ts';
import type { Json, JsonObject } from '../src/json.ts';
import { RUN_MAX_CELL_STEPS } from '../src/limits.ts';
import { callKeyOf } from './call-key.ts';
import { CHARS_PER_TOKEN, tokensOf } from './call-model.ts';
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
import type { RunSettings } from './protocol.ts';
import type { Variant } from './run-state.ts';

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
type Known = { readonly value: Json } | undefined;

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
  readonly #input: Known;
  readonly #outputs: Record<string, Json>;
  readonly #state: Record<string, Json> = {};
  /** Cells whose output is not known, or may not be there. */
  readonly #unknown = new Set<string>();
  #isStateKnown = true;
  #chance: CallChance;

  constructor(program: CascadeProgram, input: Known, around: Surroundings) {
    this.#program = program;
    this.#input = input;
    this.#around = around;
    this.#chance = around.chance;
    this.#outputs = { ...program.noOutputs };
  }

  run(): Known {
    const { cells, checkInput, output, cellIndex } = this.#program;
    if (this.#input !== undefined && checkInput?.(this.#input.value) !== undefined) {
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
      if (last === undefined) this.#unknown.add(cell.name);
      else {
        this.#unknown.delete(cell.name);
        this.#outputs[cell.name] = last.value;
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
    return this.#knows(output.references)
      ? { value: evaluateExpression(output, this.#view()) }
      : undefined;
  }

  #whetherRuns({ when }: CellProgram): 'yes' | 'no' | 'open' {
    if (when === undefined) return 'yes';
    if (!this.#knows(when.references)) return 'open';
    return isTruthy(evaluateExpression(when, this.#view())) ? 'yes' : 'no';
  }

  #set({ set }: CellProgram): void {
    for (const [key, expression] of set ?? []) {
      if (this.#chance !== 'sure' || !this.#knows(expression.references)) {
        this.#isStateKnown = false;
      } else this.#state[key] = evaluateExpression(expression, this.#view());
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
      this.#knows(cell.instructions.references, given) &&
      (cell.system === undefined || this.#knows(cell.system.references, given));
    if (!isRendered) {
      const cap = cell.parameters['max_tokens'];
      calls.push({
        ...call,
        isAtHand: false,
        inputTokens: this.#aboutTokens(cell),
        ...(typeof cap === 'number' ? { outputCap: cap } : {}),
      });
      return undefined;
    }
    const request = requestFor(cell, { ...this.#view(), ...given }, model, host);
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
    const isKnown = output !== undefined && this.#knowsAll();
    this.#nested(
      check,
      isKnown ? { outputs: { ...this.#outputs }, output: output.value } : undefined,
    );
  }

  #nested(
    { program }: NestedProgram,
    given: JsonObject | undefined,
    variant?: Variant | undefined,
  ): Known {
    const input =
      given === undefined || this.#input === undefined
        ? undefined
        : { value: { input: this.#input.value, state: { ...this.#state }, ...given } };
    return foreseeWithin(program, input, this.#inner(variant));
  }

  #inner(variant: Variant | undefined): Surroundings {
    return { ...this.#around, chance: this.#chance, variant };
  }

  #nestedInput(inputs: Readonly<Record<string, InputProgram>> | undefined): Known {
    if (inputs === undefined) return this.#input;
    const isKnown = Object.values(inputs).every((program) => this.#knowsInput(program));
    return isKnown ? { value: buildObject(inputs, this.#view()) } : undefined;
  }

  #knowsInput(program: InputProgram): boolean {
    switch (program.kind) {
      case 'constant':
        return true;
      case 'text':
        return this.#knows(program.template.references);
      case 'expression':
        return this.#knows(program.expression.references);
      case 'list':
        return program.items.every((item) => this.#knowsInput(item));
      case 'object':
        return program.entries.every(([, item]) => this.#knowsInput(item));
    }
  }

  #knows(references: References, given: Pick<TemplateContext, 'takes'> = {}): boolean {
    const { input, outputs, state, roots } = references;
    if (roots.has('takes') && given.takes === undefined) return false;
    if (this.#input === undefined && (input === 'all' || input.size > 0)) return false;
    if (!this.#isStateKnown && (state === 'all' || state.size > 0)) return false;
    if (outputs === 'all') return this.#unknown.size === 0;
    return [...outputs].every((name) => !this.#unknown.has(name));
  }

  #knowsAll(): boolean {
    return this.#input !== undefined && this.#isStateKnown && this.#unknown.size === 0;
  }

  #view(): TemplateContext {
    const input = (this.#input?.value ?? {}) as JsonObject;
    return { input, outputs: this.#outputs, state: this.#state };
  }

  /** Of a prompt that is not known: as it is with nothing in the place of the answers, else its template. */
  #aboutTokens(cell: InstructionsCellProgram): number {
    const outputs = { ...this.#outputs };
    for (const name of this.#unknown) outputs[name] = '';
    const request = requestFor(cell, { ...this.#view(), outputs }, '', this.#around.host);
    if (request !== undefined) return tokensOf(request).inputTokens;
    const { instructions, system, schemaInstruction: told } = cell;
    return Math.ceil([instructions.text, system?.text, told].join('').length / CHARS_PER_TOKEN);
  }
}

function routeOf(output: Json, routing: Readonly<Record<string, string>>): string {
  const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
  const route = isObject ? (output as JsonObject)['_route'] : undefined;
  return typeof route === 'string' && Object.hasOwn(routing, route) ? route : 'default';
}
