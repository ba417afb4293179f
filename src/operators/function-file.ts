/** Reads the `sql_function` block of an operator's cascade, beyond the fields of `Operator`. */
import type { Cascade } from '../cascade/cascade.ts';
import type { SqlFunctionFile } from '../cascade/schema.ts';
import type { Operator, OperatorPattern } from './operator.ts';
import { readSpelling } from './spelling.ts';

/** The block as it is in the file; the schema has checked it. */
export function sqlFunctionOf({ sqlFunction }: Cascade): SqlFunctionFile | undefined {
  return sqlFunction as unknown as SqlFunctionFile | undefined;
}

/** How many arguments a call must give; the later ones may be left out. */
export function requiredArgs({
  args,
  cascade,
  seed,
}: Pick<Operator, 'args' | 'cascade' | 'seed'>): number {
  if (seed !== undefined) return args.length;
  return args.filter(({ name }) => cascade.requiredInputs.includes(name)).length;
}

/**
 * The names of calls in the operator's spellings, in upper case, e.g. TLDR; the operator's own name if it has no
 * spellings.
 */
export function callNames({
  name,
  cascade,
}: Pick<Operator, 'name' | 'cascade'>): readonly string[] {
  const spellings = sqlFunctionOf(cascade)?.operators ?? [];
  if (spellings.length === 0) return [name];
  const names = spellings.flatMap((text) => {
    const spelling = readSpelling(text);
    return 'kind' in spelling && spelling.kind === 'call' ? [spelling.name] : [];
  });
  return [...new Set(names)];
}

/** All names of the operator's function, in lower case: its own, one for each infix spelling, and those of its calls. */
export function functionNames(
  operator: Pick<Operator, 'name' | 'functionName' | 'patterns' | 'cascade'>,
): readonly string[] {
  const calls = callNames(operator).map((name) => name.toLowerCase());
  return [
    ...new Set([
      operator.functionName,
      ...operator.patterns.map(functionOfPattern),
      ...calls.map((name) => `semantic_${name}`),
      ...calls,
    ]),
  ];
}

/** The function name of an infix spelling: `{text} ALIGNS WITH {goal}` is also the function semantic_aligns_with. */
export function functionOfPattern({ words }: OperatorPattern): string {
  return `semantic_${words.join('_').toLowerCase()}`;
}
