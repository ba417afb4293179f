/** Compares a million rows whose answers are all stored with DuckDB's join with a table of the same answers. */
import { Engine } from '../../src/index.ts';
import type { ModelFunction } from '../../src/model/chat.ts';
import { cascadeRoot } from '../fixture-root.ts';
import type { Sample, Suite, Variant } from '../suite.ts';

const ROWS = 1_000_000;
const ANSWERS = [1_000, 10_000, 100_000];
/** Runs of each statement in one sample. Only the fastest counts, because the first runs make the table of answers. */
const RUNS = 4;

/** The statement of each shape, and the join that corresponds to it. */
const SHAPES: Readonly<Record<string, readonly [semantic: string, join: string]>> = {
  where: [
    "SELECT count(*) AS n FROM big WHERE d IS_ODD 'x'",
    'SELECT count(*) AS n FROM big LEFT JOIN known k USING (d) WHERE k.a',
  ],
  select: [
    "SELECT max(m) AS n FROM (SELECT d IS_ODD 'x' AS m, id FROM big)",
    'SELECT max(m) AS n FROM (SELECT k.a AS m, id FROM big LEFT JOIN known k USING (d))',
  ],
  case: [
    "SELECT sum(CASE WHEN d IS_ODD 'x' THEN 1 ELSE 2 END) AS n FROM big",
    'SELECT sum(CASE WHEN k.a THEN 1 ELSE 2 END) AS n FROM big LEFT JOIN known k USING (d)',
  ],
  group: [
    "SELECT d IS_ODD 'x' AS m, count(*) AS n FROM big GROUP BY ALL ORDER BY ALL",
    'SELECT k.a AS m, count(*) AS n FROM big LEFT JOIN known k USING (d) GROUP BY ALL ORDER BY ALL',
  ],
  on: [
    "SELECT count(*) AS n FROM big JOIN small ON big.g = small.g AND big.d IS_ODD 'x'",
    'SELECT count(*) AS n FROM big LEFT JOIN known k USING (d) JOIN small ON big.g = small.g AND k.a',
  ],
};

/** The answer to one text in twenty is NULL. */
const model: ModelFunction = async ({ messages }) => {
  const number = Number(/\d+/.exec(String(messages.at(-1)!.content))?.[0]);
  const text = number % 20 === 0 ? 'null' : String(number % 2 === 1);
  return { text, finishReason: 'stop' };
};

function known(answers: number): Variant {
  return {
    name: `${answers} answers`,
    async measure() {
      await using engine = await Engine.open({ cascades: cascadeRoot, threads: 2, model });
      await engine.query(
        `CREATE TABLE big AS SELECT i AS id, 'text ' || (i % ${answers}) AS d, i % 100 AS g FROM range(${ROWS}) r(i)`,
      );
      await engine.query(
        `CREATE TABLE known AS SELECT 'text ' || i AS d, CASE WHEN i % 20 > 0 THEN i % 2 = 1 END AS a FROM range(${answers}) r(i)`,
      );
      await engine.query('CREATE TABLE small AS SELECT i AS g FROM range(50) r(i)');
      const fillMs = await timed(async () => {
        const all = "SELECT count(*) FROM known WHERE d IS_ODD 'x'";
        await engine.query(`-- @ max_calls: ${answers}\n-- @ parallel: 200\n${all}`);
      });
      const sample: Record<string, number> = { fillMs };
      for (const [shape, [semantic, join]] of Object.entries(SHAPES)) {
        let rows = '';
        const quickest = async (sql: string) => {
          let leastMs = Number.POSITIVE_INFINITY;
          for (let run = 0; run < RUNS; run += 1) {
            const ms = await timed(async () => {
              const result = await engine.query(sql);
              if (result.summary.calls.sent > 0) throw new Error('answers were bought again');
              rows = result.rows.map((row) => Object.values(row).join()).join(';');
            });
            leastMs = Math.min(leastMs, ms);
          }
          return leastMs;
        };
        sample[shape] = await quickest(semantic);
        const found = rows;
        sample[`${shape}Join`] = await quickest(join);
        if (rows !== found) throw new Error(`${shape}: ${found} is not ${rows}`);
      }
      return sample as Sample;
    },
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

export const warm: Suite = {
  name: 'warm',
  about: `${ROWS} rows whose questions are all answered, one in twenty by NULL, beside DuckDB's join with the answers`,
  samples: 3,
  variants: ANSWERS.map(known),
  figures: (median) =>
    ANSWERS.flatMap((answers) =>
      Object.keys(SHAPES).map((shape) => ({
        name: `${answers} answers, ${shape}, against the join`,
        value: median(`${answers} answers`, shape) / median(`${answers} answers`, `${shape}Join`),
        unit: '×',
        atMost: 3,
      })),
    ),
};
