/** Measures MAP BATCH n: calls, tokens, cost and time of rows that share calls, against one call a row. */
import { Engine } from '../../src/index.ts';
import { spawnSimulator } from '../../src/sim/spawn.ts';
import type { Sample, Suite, Variant } from '../suite.ts';

const ROWS = 1_000;
const PARALLEL = 10;
/** Each answer takes this long to begin. */
const LATENCY = { kind: 'lognormal', meanMs: 300, sigma: 0.4 } as const;
const PRICE = { inputPerMtok: 0.15, outputPerMtok: 0.6 };
/** A text of four tokens: the shorter the text, the larger is the part of the prompt that is the same for every row. */
const TEXTS = `SELECT lpad(range::VARCHAR, 5, '0') || ' a product' AS d FROM range(${ROWS})`;

async function measure(batch: string, drop: number): Promise<Sample> {
  await using sim = await spawnSimulator({
    latency: LATENCY,
    prices: { m: PRICE },
    items: { drop },
  });
  await using engine = await Engine.open({
    threads: 2,
    providers: { sim: { baseUrl: sim.url, prices: { m: PRICE } } },
    model: 'sim/m',
  });
  const startMs = performance.now();
  const { summary } = await engine.query(
    `-- @ parallel: ${PARALLEL}\n-- @ batch: ${batch}\nSELECT d MEANS 'eco-friendly' AS e FROM (${TEXTS})`,
  );
  const ms = performance.now() - startMs;
  if (summary.rows.failed > 0) throw new Error(`${summary.rows.failed} rows failed`);
  const { totals } = await sim.summary();
  return {
    ms,
    calls: totals.calls,
    tokensInARow: totals.tokensIn / ROWS,
    tokensOutARow: totals.tokensOut / ROWS,
    microUsdARow: (summary.costMicroUsd ?? Number.NaN) / ROWS,
  };
}

const ONE = 'one row a call';
const variants: readonly Variant[] = [
  { name: ONE, measure: () => measure('1', 0) },
  ...[4, 16, 32].map((n) => ({ name: `${n} a call`, measure: () => measure(String(n), 0) })),
  { name: 'auto', measure: () => measure('auto', 0) },
  { name: '16 a call, 5 % missing', measure: () => measure('16', 0.05) },
];

export const batch: Suite = {
  name: 'batch',
  about: `${ROWS} rows of MEANS over a text of four tokens: calls, tokens and time of BATCH n at PARALLEL ${PARALLEL}`,
  samples: 1,
  variants,
  figures: (median) => [
    ...variants.flatMap(({ name }) => [
      { name: `${name}: calls`, value: median(name, 'calls'), unit: '' },
      {
        name: `${name}: tokens in a row`,
        value: median(name, 'tokensInARow'),
        unit: '',
        ...(name === '16 a call' ? { atMost: 30 } : {}),
      },
      { name: `${name}: time`, value: median(name, 'ms'), unit: 'ms' },
    ]),
    {
      name: '16 a call, 5 % missing: calls of the ideal',
      value: median('16 a call, 5 % missing', 'calls') / Math.ceil(ROWS / 16),
      unit: '×',
      atMost: 1.3,
    },
  ],
};
