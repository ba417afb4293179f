/** The known parts of a run at one of its cells: input, outputs and state, unless an unknown answer decides on them. */
import type { References } from '../../cascade/jinja-names.ts';
import {
  type Expression,
  evaluateExpression,
  type TemplateContext,
} from '../../cascade/template.ts';
import { buildObject } from '../../run/cells/cascade.ts';
import type { InputProgram } from '../../run/program.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { Known } from './foreseen.ts';

/** The further names that a prompt has. */
export type Given = Pick<TemplateContext, 'takes'>;

export class Knowledge {
  readonly #input: Known;
  readonly #outputs: Record<string, Json>;
  readonly #state: Record<string, Json> = {};
  /** The cells whose output is not known or may be missing. */
  readonly #unknown = new Set<string>();
  #isStateKnown = true;

  constructor(input: Known, outputs: JsonObject) {
    this.#input = input;
    this.#outputs = { ...outputs };
  }

  get input(): Known {
    return this.#input;
  }

  get isWhole(): boolean {
    return this.#input !== undefined && this.#isStateKnown && this.#unknown.size === 0;
  }

  learn(cell: string, output: Known): void {
    if (output === undefined) {
      this.#unknown.add(cell);
      return;
    }
    this.#unknown.delete(cell);
    this.#outputs[cell] = output.value;
  }

  /**
   * Sets a state key to an expression's value. The whole state becomes unknown if the value is not known, or if the
   * run may not come here (`isSure` is false).
   */
  set(key: string, expression: Expression, isSure: boolean): void {
    if (isSure && this.knows(expression.references)) {
      this.#state[key] = evaluateExpression(expression, this.view());
    } else this.#isStateKnown = false;
  }

  knows(references: References, given: Given = {}): boolean {
    const { input, outputs, state, roots } = references;
    if (roots.has('takes') && given.takes === undefined) return false;
    if (this.#input === undefined && (input === 'all' || input.size > 0)) return false;
    if (!this.#isStateKnown && (state === 'all' || state.size > 0)) return false;
    if (outputs === 'all') return this.#unknown.size === 0;
    return [...outputs].every((name) => !this.#unknown.has(name));
  }

  /** Returns the expression's value if all that it names is known. */
  valueOf(expression: Expression): Known {
    if (!this.knows(expression.references)) return undefined;
    return { value: evaluateExpression(expression, this.view()) };
  }

  /** Returns the input of a nested cascade if it is known. */
  inputOf(inputs: Readonly<Record<string, InputProgram>> | undefined): Known {
    if (inputs === undefined) return this.#input;
    const isKnown = Object.values(inputs).every((program) => this.#knowsInput(program));
    return isKnown ? { value: buildObject(inputs, this.view()) } : undefined;
  }

  view(): TemplateContext & { readonly outputs: JsonObject; readonly state: JsonObject } {
    const input = (this.#input?.value ?? {}) as JsonObject;
    return { input, outputs: this.#outputs, state: this.#state };
  }

  /** Like `view`, with an empty text in place of each unknown output. */
  blankView(): TemplateContext {
    const outputs = { ...this.#outputs };
    for (const name of this.#unknown) outputs[name] = '';
    return { ...this.view(), outputs };
  }

  #knowsInput(program: InputProgram): boolean {
    switch (program.kind) {
      case 'constant':
        return true;
      case 'text':
        return this.knows(program.template.references);
      case 'expression':
        return this.knows(program.expression.references);
      case 'list':
        return program.items.every((item) => this.#knowsInput(item));
      case 'object':
        return program.entries.every(([, item]) => this.#knowsInput(item));
    }
  }
}
