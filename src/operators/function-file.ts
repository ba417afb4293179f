/** The `sql_function` block of an operator's cascade, beyond what `Operator` says. */
import type { Cascade } from '../cascade/cascade.ts';
import type { SqlFunctionFile } from '../cascade/schema.ts';
import type { Operator, OperatorPattern } from './operator.ts';
import { readSpelling } from './spelling.ts';

/** The block as the file has it, which the schema has checked. */
export function sqlFunctionOf({ sqlFunction }: Cascade): SqlFunctionFile | undefined {
  return sqlFunction as unknown as SqlFunctionFile | undefined;
}

/** How many arguments a call must give; those after them may be left out. */
export function requiredArgs({
  args,
  cascade,
  seed,
}: Pick<Operator, 'args' | 'cascade' | 'seed'>): number {
  if (seed !== undefined) return args.length;
  return args.filter(({ name }) => cascade.requiredInputs.includes(name)).length;
}

/** The names that the operator's calls may have beside its function's, in upper case: TLDR. Without any spelling, its own. */
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

/** Every name of the operator's function, in lower case: its own, one for each infix spelling, its calls. */
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

/** `{text} ALIGNS WITH {goal}` is the function semantic_aligns_with too. */
export function functionOfPattern({ words }: OperatorPattern): string {
  return `semantic_${words.join('_').toLowerCase()}`;
}
