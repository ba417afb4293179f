/**
 * Measures the calls of every shape of a set. The calls are compared with the least number and with
 * EXPLAIN's forecast, the rows with those of a twin without a model.
 */
import { Engine, type ExplainReport } from '../../src/index.ts';
import type { ChatRequest } from '../../src/model/chat.ts';
import type { Figure, Sample } from '../suite.ts';
import { NotingDuckDb } from './duckdb-evaluates.ts';
import {
  NOTED_MACROS,
  SHAPE_TABLES,
  type Shape,
  type ShapeSet,
  withMacros,
  withOperators,
} from './shapes.ts';

/** The most questions that a condition may be tried with, to learn which condition to ask first. */
const MOST_SAMPLE = 20;
/** The most calls of a shape, as a multiple of the least. */
const MOST_RATIO = 1.3;

/** Returns the model's answer to a prompt of a built-in operator. It equals what the macros return. */
function answerTo({ messages }: ChatRequest): string | number | boolean {
  const prompt = messages.at(-1)?.content ?? '';
  const part = (tag: string) => prompt.split(`<${tag}>`)[1]?.split(`</${tag}>`)[0];
  const words = part('text')?.split(' ') ?? [];
  const labels = part('labels')
    ?.split('\n')
    .map((line) => line.replace(/^- /, ''))
    .filter((label) => label !== '');
  if (labels !== undefined) return labels.find((label) => words.includes(label)) ?? labels.at(-1)!;
  const topic = part('topic');
  if (topic !== undefined) return words.includes(topic) ? 0.9 : 0.1;
  return words.includes(part('criterion') ?? '');
}

/**
 * Measures for each shape: `calls`, `least`, EXPLAIN's `low`, `expected` and `high`, `wrong`, which is 1 if the rows
 * differ from those of the twin, `bound`, which is what DuckDB evaluates and a sample for each of several operators, and
 * `rerun`, which is the calls in a transaction, where DuckDB runs the query until no answer is missing (or the calls, if
 * they are the least).
 */
export async function measureShapes({ shapes }: ShapeSet): Promise<Sample> {
  let calls = 0;
  await using engine = await Engine.open({
    threads: 1,
    model: async (request) => {
      calls += 1;
      return { text: JSON.stringify({ answer: answerTo(request) }), finishReason: 'stop' };
    },
  });
  for await (const { summary } of engine.script(SHAPE_TABLES)) {
    if (summary.status !== 'complete') throw new Error('the tables were not made');
  }
  const sample: Record<string, number> = {};
  const duckDb = await NotingDuckDb.open(NOTED_MACROS, SHAPE_TABLES);
  for (const shape of shapes) {
    const { name, least } = shape;
    const asked = `-- @ parallel: 1\n-- @ cache: false\n`;
    const written = withOperators(shape);
    const noted = withMacros(shape, 'noted');
    const report = await engine.query(`${asked}EXPLAIN (FORMAT JSON) ${written}`);
    const told = (JSON.parse(String(report.rows[0]?.['explain'])) as ExplainReport).calls;
    calls = 0;
    const { rows } = await engine.query(`${asked}${written}`);
    const made = calls;
    const operators = noted.split('noted_').length - 1;
    const sampled = operators > 1 ? operators * MOST_SAMPLE : 0;
    const twin = await engine.query(withMacros(shape, 'plain'));
    const [fewest] = (await engine.query(least)).rows;
    const needed = Number(Object.values(fewest ?? {})[0]);
    calls = 0;
    if (made > needed) {
      await using session = await engine.session();
      await session.query('BEGIN');
      await session.query(`${asked}${written}`);
      await session.query('ROLLBACK');
    }
    const rerun = made > needed ? calls : made;
    Object.assign(sample, {
      [`${name}: calls`]: made,
      [`${name}: least`]: needed,
      [`${name}: low`]: told.least,
      [`${name}: expected`]: told.expected,
      [`${name}: high`]: told.most ?? Number.MAX_SAFE_INTEGER,
      [`${name}: bound`]: (await duckDb.questionsOf(noted)) + sampled,
      [`${name}: rerun`]: rerun,
      [`${name}: wrong`]: rowsOf(written, rows) === rowsOf(written, twin.rows) ? 0 : 1,
    });
  }
  return sample;
}

/** The rows as text. Without ORDER BY and LIMIT, DuckDB may give the same rows in another order. */
function rowsOf(sql: string, rows: readonly unknown[]): string {
  const texts = rows.map((row) =>
    JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return (/\b(?:order by|limit)\b/i.test(sql) ? texts : texts.sort()).join('\n');
}

/** Makes the figures of all shapes together, and of each shape that makes more than the least number of calls. */
export function shapeFigures(
  { name: set, shapes, most }: ShapeSet,
  metric: (name: string) => number,
): readonly Figure[] {
  const of = (name: string, what: string) => metric(`${name}: ${what}`);
  const sum = (what: string, summed = shapes) =>
    summed.reduce((total, { name }) => total + of(name, what), 0);
  const certain = shapes.filter(({ hindsight }) => hindsight === undefined);
  const outside = shapes.filter(({ name }) => {
    const calls = of(name, 'calls');
    return calls < of(name, 'low') || calls > of(name, 'high');
  });
  const above = shapes.filter(
    ({ name }) => of(name, 'calls') > Math.min(of(name, 'bound'), of(name, 'rerun')),
  );
  const errors = shapes.map(({ name }) => {
    const [calls, expected] = [of(name, 'calls'), of(name, 'expected')];
    return Math.abs(expected - calls) / Math.max(1, calls);
  });
  const ratio = (name: string) => of(name, 'calls') / of(name, 'least');
  const listed = (found: readonly Shape[]) => found.map(({ name }) => `; ${name}`).join('');
  return [
    { name: `wrong results of ${set}`, value: sum('wrong'), unit: '', atMost: 0 },
    {
      name: `calls of ${set}, against the least`,
      value: sum('calls', certain) / sum('least', certain),
      unit: '×',
      atMost: most,
    },
    ...certain
      .filter(({ name }) => ratio(name) !== 1)
      .map(({ name, isStopUnseen }) => ({
        name: `${name}, against the least`,
        value: ratio(name),
        unit: '×',
        ...(isStopUnseen === true ? {} : { atMost: MOST_RATIO }),
      })),
    ...shapes
      .filter(({ hindsight }) => hindsight !== undefined)
      .map(({ name, hindsight }) => ({
        name: `${name}, against the least (${hindsight})`,
        value: ratio(name),
        unit: '×',
      })),
    {
      name: `of ${set}, those that ask more than DuckDB evaluates${listed(above)}`,
      value: above.length,
      unit: '',
      atMost: 0,
    },
    {
      name: `of ${set}, those whose calls are outside what EXPLAIN says${listed(outside)}`,
      value: outside.length,
      unit: '',
      atMost: 0,
    },
    {
      name: `mean error of what EXPLAIN expects of ${set}, without history`,
      value: (100 * errors.reduce((total, one) => total + one, 0)) / errors.length,
      unit: ' %',
    },
  ];
}

/** Returns the names of the shapes that are marked, but reach what the others reach. */
export function seenShapes({ shapes }: ShapeSet, metric: (name: string) => number): string[] {
  const of = (name: string, what: string) => metric(`${name}: ${what}`);
  return shapes
    .filter(({ isStopUnseen }) => isStopUnseen === true)
    .filter(({ name }) => of(name, 'calls') <= MOST_RATIO * of(name, 'least'))
    .map(({ name }) => name);
}
