/** Compiles a cell's takes and wards. */
import type { Cascade, Evaluator, Takes, Ward } from '../cascade/cascade.ts';
import { usesSignal, WARD_PARAMETERS } from '../cascade/js-function.ts';
import { compileSqlTemplate } from '../cascade/sql-template.ts';
import { JS_CELL_TIMEOUT_MS } from '../limits.ts';
import { compilePrompt } from './compile-prompt.ts';
import type { CascadeProgram, EvaluatorProgram, TakesProgram, WardProgram } from './program.ts';
import type { LazyCode } from './realm/lazy-realm.ts';

/** Attempts that a ward with `mode: retry` allows, including the first, if the ward does not give their number. */
const WARD_ATTEMPTS = 3;

/** Returns the program of a cascade that a cell, a ward or an evaluator names. Loading has checked that the cascade exists. */
export type CompileNested = (name: string) => CascadeProgram;

/** The cell that the takes and wards belong to, and the functions that compile their parts. */
export interface GuardScope {
  readonly cascade: Cascade;
  readonly name: string;
  readonly label: string;
  readonly compileNested: CompileNested;
  readonly compileCode: LazyCode;
}

/** Compiles takes. */
export function compileTakes(takes: Takes, scope: GuardScope): TakesProgram {
  const { factor, reduce, evaluator } = takes;
  return {
    factor,
    reduce,
    ...(evaluator === undefined ? {} : { evaluator: compileEvaluator(evaluator, scope) }),
  };
}

function compileEvaluator(evaluator: Evaluator, scope: GuardScope): EvaluatorProgram {
  const base = {
    name: `${scope.name}.evaluator`,
    label: `${scope.label}, evaluator`,
    ...(evaluator.timeoutMs === undefined ? {} : { timeoutMs: evaluator.timeoutMs }),
  };
  if (evaluator.kind === 'cascade') {
    const program = scope.compileNested(evaluator.cascade);
    return { ...base, kind: 'cascade', program };
  }
  const prompt = compilePrompt(scope.cascade, evaluator);
  return {
    kind: 'instructions',
    cell: { ...base, ...prompt, kind: 'instructions', nullOnError: false },
  };
}

/** Compiles wards and keeps their order. */
export function compileWards(wards: readonly Ward[], scope: GuardScope): readonly WardProgram[] {
  return wards.map((ward) => {
    const { name, mode, maxAttempts = WARD_ATTEMPTS } = ward;
    const label = `${scope.label}, ward ${name}`;
    const check = compileCheck(ward, label, scope);
    return { name, label, mode, maxAttempts: mode === 'retry' ? maxAttempts : 1, check };
  });
}

function compileCheck(ward: Ward, label: string, scope: GuardScope): WardProgram['check'] {
  const base = {
    name: `${scope.name}.${ward.name}`,
    label,
    nullOnError: false,
    ...(ward.timeoutMs === undefined ? {} : { timeoutMs: ward.timeoutMs }),
  };
  switch (ward.kind) {
    case 'js': {
      const sourceUrl = `cascade:${ward.source}#${scope.name}.${ward.name}`;
      return {
        ...base,
        kind: 'js',
        code: scope.compileCode(ward.code, sourceUrl, WARD_PARAMETERS),
        usesSignal: usesSignal(ward.code),
        timeoutMs: ward.timeoutMs ?? JS_CELL_TIMEOUT_MS,
        source: ward.source,
        sourceUrl,
        firstLine: ward.firstLine,
      };
    }
    case 'sql':
      return {
        ...base,
        kind: 'sql_data',
        query: {
          map: compileSqlTemplate(ward.query, 'map'),
          run: compileSqlTemplate(ward.query, 'run'),
        },
      };
    case 'cascade': {
      const { nullOnError, ...rest } = base;
      const program = scope.compileNested(ward.cascade);
      return { ...rest, kind: 'cascade', program };
    }
  }
}
