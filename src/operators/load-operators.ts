/** The operators under a cascade root: every file of `operators/` that has a `sql_function`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cascade } from '../cascade/cascade.ts';
import { loadCascade } from '../cascade/load-cascade.ts';
import type { JsonObject } from '../json.ts';
import type { Operator, OperatorArg, OperatorPattern, OperatorRegistry } from './operator.ts';

/** Loads the operators of a root. */
export async function loadOperators(cascadeRoot: string): Promise<OperatorRegistry> {
  const files = await readdir(join(cascadeRoot, 'operators')).catch(() => []);
  const operators = new Map<string, Operator>();
  for (const file of files.filter((name) => name.endsWith('.yaml')).sort()) {
    const cascade = await loadCascade(cascadeRoot, `operators/${file}`);
    const operator = operatorOf(cascade);
    if (operator !== undefined) operators.set(operator.name, operator);
  }
  return {
    operators,
    byFunction(name) {
      const lower = name.toLowerCase();
      return [...operators.values()].find(
        (operator) =>
          operator.functionName === lower ||
          (operator.patterns.length === 0 && operator.name.toLowerCase() === lower),
      );
    },
  };
}

function operatorOf(cascade: Cascade): Operator | undefined {
  const declared: JsonObject | undefined = cascade.sqlFunction;
  if (declared === undefined) return undefined;
  const name = String(declared['name']);
  const bare = name.toLowerCase().replace(/^semantic_/, '');
  return {
    name: bare.toUpperCase(),
    functionName: `semantic_${bare}`,
    shape: (declared['shape'] as Operator['shape'] | undefined) ?? 'SCALAR',
    returns: String(declared['returns'] ?? 'VARCHAR'),
    args: ((declared['args'] ?? []) as unknown as OperatorArg[]).map((arg) => ({
      name: arg.name,
      type: arg.type ?? 'VARCHAR',
    })),
    patterns: ((declared['operators'] ?? []) as string[]).flatMap(patternOf),
    symmetric: declared['symmetric'] === true,
    deterministic: declared['deterministic'] !== false,
    cascade,
    source: 'file',
  };
}

function patternOf(template: string): OperatorPattern[] {
  const match = /^\{(\w+)\}\s+([^{}]+?)\s+\{(\w+)\}$/.exec(template.trim());
  if (match === null) return [];
  const [, left = '', words = '', right = ''] = match;
  return [{ left, words: words.toUpperCase().split(/\s+/), right }];
}
