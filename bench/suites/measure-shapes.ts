/**
 * Measures the calls of every shape in `spend-shapes.ts`. The calls are compared with the least number and with
 * EXPLAIN's forecast, the rows with those of a twin without a model.
 */
import { Engine, type ExplainReport } from '../../src/index.ts';
import type { ChatRequest } from '../../src/model/chat.ts';
import type { Figure, Sample } from '../suite.ts';
import { type Ops, SHAPE_TABLES, SHAPES } from './spend-shapes.ts';

const OPERATORS: Ops = {
  means: (column, word) => `(${column}) MEANS '${word}'`,
  about: (column, word) => `(${column}) ABOUT '${word}'`,
  classify: (column, labels) => `CLASSIFY(${column}, '${labels}')`,
};

const MACROS: Ops = {
  means: (column, word) => `has(${column}, '${word}')`,
  about: (column, word) => `(CASE WHEN has(${column}, '${word}') THEN 0.9 ELSE 0.1 END)::DOUBLE`,
  classify(column, labels) {
    const words = labels.split(', ');
    const cases = words.slice(0, -1).map((word) => `WHEN has(${column}, '${word}') THEN '${word}'`);
    return `(CASE ${cases.join(' ')} ELSE '${words.at(-1)}' END)`;
  },
};

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
 * Measures for each shape: `calls`, `least`, EXPLAIN's `low`, `expected` and `high`, and `wrong`, which is 1 if the rows
 * differ from those of the twin.
 */
export async function measureShapes(): Promise<Sample> {
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
  for (const { name, sql, least } of SHAPES) {
    const asked = `-- @ parallel: 1\n-- @ cache: false\n`;
    const written = sql(OPERATORS);
    const report = await engine.query(`${asked}EXPLAIN (FORMAT JSON) ${written}`);
    const told = (JSON.parse(String(report.rows[0]?.['explain'])) as ExplainReport).calls;
    calls = 0;
    const { rows } = await engine.query(`${asked}${written}`);
    const made = calls;
    const twin = await engine.query(sql(MACROS));
    const [fewest] = (await engine.query(least)).rows;
    Object.assign(sample, {
      [`${name}: calls`]: made,
      [`${name}: least`]: Number(Object.values(fewest ?? {})[0]),
      [`${name}: low`]: told.least,
      [`${name}: expected`]: told.expected,
      [`${name}: high`]: told.most ?? Number.MAX_SAFE_INTEGER,
      [`${name}: wrong`]: textOf(rows) === textOf(twin.rows) ? 0 : 1,
    });
  }
  return sample;
}

function textOf(rows: unknown): string {
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Makes the figures of all shapes together, and of each shape that makes more than the least number of calls. */
export function shapeFigures(metric: (name: string) => number): readonly Figure[] {
  const of = (name: string, what: string) => metric(`${name}: ${what}`);
  const sum = (what: string, shapes = SHAPES) =>
    shapes.reduce((total, { name }) => total + of(name, what), 0);
  const certain = SHAPES.filter(({ hindsight }) => hindsight === undefined);
  const outside = SHAPES.filter(({ name }) => {
    const calls = of(name, 'calls');
    return calls < of(name, 'low') || calls > of(name, 'high');
  });
  const errors = SHAPES.map(({ name }) => {
    const [calls, expected] = [of(name, 'calls'), of(name, 'expected')];
    return Math.abs(expected - calls) / Math.max(1, calls);
  });
  const ratio = (name: string) => of(name, 'calls') / of(name, 'least');
  return [
    { name: `wrong results of ${SHAPES.length} shapes`, value: sum('wrong'), unit: '', atMost: 0 },
    {
      name: 'calls of all shapes, against the least',
      value: sum('calls', certain) / sum('least', certain),
      unit: '×',
      atMost: 1.05,
    },
    ...certain
      .filter(({ name }) => ratio(name) !== 1)
      .map(({ name }) => ({
        name: `${name}, against the least`,
        value: ratio(name),
        unit: '×',
        atMost: 1.3,
      })),
    ...SHAPES.filter(({ hindsight }) => hindsight !== undefined).map(({ name, hindsight }) => ({
      name: `${name}, against the least (${hindsight})`,
      value: ratio(name),
      unit: '×',
    })),
    {
      name: `shapes whose calls are outside what EXPLAIN says${outside.map(({ name }) => `; ${name}`).join('')}`,
      value: outside.length,
      unit: '',
      atMost: 0,
    },
    {
      name: 'mean error of what EXPLAIN expects, without history',
      value: (100 * errors.reduce((total, one) => total + one, 0)) / errors.length,
      unit: ' %',
    },
  ];
}
