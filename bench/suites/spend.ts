/**
 * Compares the model calls of semantic queries, counted by the server's ledger, with the least number that can answer
 * them and with EXPLAIN's forecast.
 */
import { Engine, type ExplainReport } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Figure, Sample, Suite } from '../suite.ts';
import { measureShapes, shapeFigures } from './measure-shapes.ts';
import { SHAPES, type ShapeSet, WIDER_SHAPES } from './shapes.ts';
import { HISTORY, IN_FLIGHT, QUERIES, type SpendQuery, TABLES } from './spend-queries.ts';

/** The model's answers. The operators ask for JSON. */
const RULES = [
  { when: { contains: 'is rare', matches: 'item \\d*5 ' }, answer: { answer: true } },
  { when: { contains: 'is common', matches: 'item \\d*[0-46-9] ' }, answer: { answer: true } },
  { when: { contains: 'is rare' }, answer: { answer: false } },
  { when: { contains: 'is common' }, answer: { answer: false } },
  { when: { contains: 'a list' }, answer: { answer: 0.5 } },
  { answer: 'an answer' },
];

/** The largest error of EXPLAIN's expected calls, in percent. */
const MOST_ERROR = 20;
/** The range of latencies for queries where the number of calls in flight matters. */
const IN_FLIGHT_MS = [50, 350] as const;

async function measure(query: SpendQuery): Promise<Sample> {
  const { sql, least, first, isOpen, stopsEarly } = query;
  // Calls that are cancelled in flight count too. If answers came at once, or all together, few calls would be in flight.
  const [minMs, maxMs] = stopsEarly === true ? IN_FLIGHT_MS : [0, 0];
  const latency = { kind: 'uniform', minMs, maxMs } as const;
  await using server = await startSimulator({ rules: RULES, latency });
  await using engine = await Engine.open({
    cascades: cascadeRoot,
    threads: 1,
    providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
    model: 'sim/any',
  });
  for await (const { summary } of engine.script(TABLES)) {
    if (summary.status !== 'complete') throw new Error('the tables were not made');
  }
  if (first !== undefined) await engine.query(first);
  const explain = async () => {
    const { rows } = await engine.query(`EXPLAIN (FORMAT JSON) ${sql}`);
    return predicted(String(rows[0]?.['explain']));
  };
  const cold = isOpen === true ? await explain() : undefined;
  if (isOpen === true) for (const statement of HISTORY) await engine.query(statement);
  const { least: explainLeast, expected, most } = await explain();
  const before = server.ledger().totals.calls;
  const { summary } = await engine.query(sql);
  const calls = server.ledger().totals.calls - before;
  // Some of the calls that a LIMIT cancels are cut off on their way: they were sent, but the server never saw them.
  const unseen = summary.calls.sent - calls;
  if (unseen < 0 || unseen > (stopsEarly === true ? IN_FLIGHT : 0)) {
    throw new Error(`the account says ${summary.calls.sent} calls, and the server had ${calls}`);
  }
  const { rows } = await engine.query(least);
  return {
    calls,
    least: Number(Object.values(rows[0] ?? {})[0]),
    explainLeast,
    expected,
    ...(most === null ? {} : { explainMost: most }),
    ...(cold === undefined ? {} : { cold: cold.expected }),
  };
}

/** Returns the calls in EXPLAIN's JSON. */
function predicted(text: string): ExplainReport['calls'] {
  return (JSON.parse(text) as ExplainReport).calls;
}

function callsFigure(
  { name, stopsEarly, most = 1 }: SpendQuery,
  median: (variant: string, metric: string) => number,
): Figure {
  const calls = median(name, 'calls');
  const least = median(name, 'least');
  if (least === 0) return { name, value: calls, unit: ' calls', atMost: 0 };
  const ratio = { name: `${name}, against the least`, value: calls / least, unit: '×' };
  if (most === 'more') return ratio;
  return { ...ratio, atMost: stopsEarly === true ? (least + IN_FLIGHT) / least : most };
}

/** Returns EXPLAIN's error in percent: with the history of other texts, and without any history. */
function explainFigures(
  { name, isOpen }: SpendQuery,
  median: (variant: string, metric: string) => number,
): readonly Figure[] {
  const calls = median(name, 'calls');
  const off = (metric: string) => {
    const by = Math.abs(median(name, metric) - calls);
    return by === 0 ? 0 : (100 * by) / calls;
  };
  const figure = { name: `${name}, EXPLAIN is off by`, value: off('expected'), unit: ' %' };
  if (isOpen !== true) return [{ ...figure, atMost: 0 }];
  return [
    { ...figure, atMost: MOST_ERROR },
    { name: `${name}, EXPLAIN was off without history by`, value: off('cold'), unit: ' %' },
  ];
}

/** The sets of shapes. One process measures a set. */
export const SHAPE_SETS: readonly ShapeSet[] = [
  { name: 'the shapes', shapes: SHAPES, most: 1.05 },
  { name: 'the wider shapes', shapes: WIDER_SHAPES, most: 1.3 },
];

export const spend: Suite = {
  name: 'spend',
  about:
    'model calls by the server, the least that can answer, and what EXPLAIN says; nothing is timed, and one sample is all',
  samples: 1,
  variants: [
    ...QUERIES.map((query) => ({ name: query.name, measure: () => measure(query) })),
    ...SHAPE_SETS.map((set) => ({ name: set.name, measure: () => measureShapes(set) })),
  ],
  figures: (median) => [
    ...QUERIES.flatMap((query) => [callsFigure(query, median), ...explainFigures(query, median)]),
    ...SHAPE_SETS.flatMap((set) => shapeFigures(set, (metric) => median(set.name, metric))),
  ],
};
