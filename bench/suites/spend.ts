/** Model calls of semantic queries by the server's ledger, beside the least that can answer them and EXPLAIN's figure. */
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Figure, Sample, Suite } from '../suite.ts';
import { IN_FLIGHT, QUERIES, type SpendQuery, TABLE } from './spend-queries.ts';

/** What the model says of a text; the operators ask for JSON. */
const RULES = [
  { when: { contains: 'is rare', matches: 'item \\d*0 ' }, answer: { answer: true } },
  { when: { contains: 'is common', matches: 'item \\d*[1-9] ' }, answer: { answer: true } },
  { when: { contains: 'is rare' }, answer: { answer: false } },
  { when: { contains: 'is common' }, answer: { answer: false } },
  { when: { contains: 'a list' }, answer: { answer: 0.5 } },
  { answer: 'an answer' },
];

async function measure({ sql, least, first }: SpendQuery): Promise<Sample> {
  await using server = await startSimulator({ rules: RULES });
  await using engine = await Engine.open({
    cascades: cascadeRoot,
    threads: 1,
    providers: { sim: { baseUrl: server.url, responseFormat: 'json_schema' } },
    model: 'sim/any',
  });
  for await (const { summary } of engine.script(TABLE)) {
    if (summary.status !== 'complete') throw new Error('the table was not made');
  }
  if (first !== undefined) await engine.query(first);
  const explained = await engine.query(`EXPLAIN (FORMAT JSON) ${sql}`);
  const before = server.ledger().totals.calls;
  const { summary } = await engine.query(sql);
  const calls = server.ledger().totals.calls - before;
  if (summary.calls.sent !== calls) {
    throw new Error(`the account says ${summary.calls.sent} calls, and the server had ${calls}`);
  }
  const { rows } = await engine.query(least);
  return {
    calls,
    least: Number(Object.values(rows[0] ?? {})[0]),
    ...predicted(String(explained.rows[0]?.['explain'])),
  };
}

/** The calls that EXPLAIN's JSON speaks of, as far as it does. */
function predicted(text: string): Sample {
  const { calls, runs } = JSON.parse(text) as {
    readonly calls?: { readonly least?: number; readonly most?: number | null };
    readonly runs?: number;
  };
  const most = calls?.most ?? undefined;
  return {
    explainLeast: calls?.least ?? runs ?? 0,
    ...(most === undefined ? {} : { explainMost: most }),
  };
}

function figureOf(
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

export const spend: Suite = {
  name: 'spend',
  about:
    'model calls by the server, the least that can answer, and what EXPLAIN says; nothing is timed, and one sample is all',
  samples: 1,
  variants: QUERIES.map((query) => ({ name: query.name, measure: () => measure(query) })),
  figures: (median) => QUERIES.map((query) => figureOf(query, median)),
};
