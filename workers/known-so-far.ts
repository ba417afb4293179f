/** What is known of a run that is foreseen: its input, the outputs of its cells, its state. */
import type { References } from '../src/cascade/jinja-scan.ts';
import type { TemplateContext } from '../src/cascade/template.ts';
import type { Json, JsonObject } from '../src/json.ts';
import type { InputProgram } from './compile-cascade.ts';
import type { Known } from './foreseen.ts';

export class KnownSoFar {
  readonly input: Known;
  readonly outputs: Record<string, Json>;
  readonly state: Record<string, Json> = {};
  /** Cells whose output is not known, or may not be there. */
  readonly unknown = new Set<string>();
  isStateKnown = true;

  constructor(input: Known, outputs: Readonly<Record<string, Json>>) {
    this.input = input;
    this.outputs = { ...outputs };
  }

  knowsInput(program: InputProgram): boolean {
    switch (program.kind) {
      case 'constant':
        return true;
      case 'text':
        return this.knows(program.template.references);
      case 'expression':
        return this.knows(program.expression.references);
      case 'list':
        return program.items.every((item) => this.knowsInput(item));
      case 'object':
        return program.entries.every(([, item]) => this.knowsInput(item));
    }
  }

  knows(references: References, given: Pick<TemplateContext, 'takes'> = {}): boolean {
    const { input, outputs, state, roots } = references;
    if (roots.has('takes') && given.takes === undefined) return false;
    if (this.input === undefined && (input === 'all' || input.size > 0)) return false;
    if (!this.isStateKnown && (state === 'all' || state.size > 0)) return false;
    if (outputs === 'all') return this.unknown.size === 0;
    return [...outputs].every((name) => !this.unknown.has(name));
  }

  knowsAll(): boolean {
    return this.input !== undefined && this.isStateKnown && this.unknown.size === 0;
  }

  view(): TemplateContext {
    const input = (this.input?.value ?? {}) as JsonObject;
    return { input, outputs: this.outputs, state: this.state };
  }
}
