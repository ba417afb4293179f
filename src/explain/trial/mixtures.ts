/** The further trials of EXPLAIN: answers to one criterion are TRUE and to another are not, or equal a constant. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode } from '../../semantic/plan/query-tree.ts';
import type { Assumption, Draws } from './draws.ts';

/** The most criteria of which every mixture is tried; of more, each alone, and each alone left out. */
const MIXED_CRITERIA = 3;
/** The most constants of a statement that are tried as answers. */
const TRIED_CONSTANTS = 12;
/** Few numbers that are compared with an answer are further from 0. It fits into an INTEGER. */
const FAR = 1_000_000_000;

/** The assumptions under which a statement may ask more or less than where all answers are TRUE, or none is. */
export function mixturesOf(draws: readonly Draws[], tree: readonly SqlNode[] | undefined) {
  const keys = [...new Set(draws.flatMap((one) => [...one.keys]))];
  const mixtures: Assumption[] = subsetsOf(keys).map((met) => ({ met }));
  if (!draws.some(({ hasValues }) => hasValues)) return mixtures;
  const constants = withOthers([...constantsIn(tree)]).slice(0, TRIED_CONSTANTS);
  const all = new Set(keys);
  return [...mixtures, 'null' as const, ...constants.map((constant) => ({ met: all, constant }))];
}

/** Sets of some keys, not of all. */
function subsetsOf(keys: readonly string[]): readonly ReadonlySet<string>[] {
  if (keys.length < 2) return [];
  if (keys.length > MIXED_CRITERIA) {
    return keys.flatMap((key) => [new Set([key]), new Set(keys.filter((one) => one !== key))]);
  }
  return Array.from({ length: 2 ** keys.length - 2 }, (_, index) => {
    const bits = index + 1;
    return new Set(keys.filter((_key, place) => (bits >> place) % 2 === 1));
  });
}

/** The constants, and numbers around and between them: a score may have to lie inside of a range. */
function withOthers(constants: readonly (string | number)[]): readonly (string | number)[] {
  const numbers = constants.filter((one) => typeof one === 'number').sort((a, b) => a - b);
  const between = numbers.slice(1).map((one, index) => (one + numbers[index]!) / 2);
  return [...constants, -FAR, FAR, ...between];
}

/** The numbers and texts in a tree. */
function constantsIn(value: unknown, found = new Set<string | number>()): Set<string | number> {
  if (Array.isArray(value)) for (const item of value) constantsIn(item, found);
  if (!isNode(value)) return found;
  const constant = value['class'] === 'CONSTANT' ? constantOf(value['value']) : undefined;
  if (constant !== undefined) found.add(constant);
  for (const child of Object.values(value)) constantsIn(child, found);
  return found;
}

function constantOf(constant: unknown): string | number | undefined {
  if (!isNode(constant) || constant['is_null'] === true) return undefined;
  const { type, value } = constant;
  if (!isNode(type)) return undefined;
  if (typeof value === 'string' && type['id'] === 'VARCHAR') return value;
  if (typeof value !== 'number') return undefined;
  const info = type['type_info'];
  const scale = type['id'] === 'DECIMAL' && isNode(info) ? Number(info['scale']) : 0;
  return value / 10 ** scale;
}
