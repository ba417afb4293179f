/** Compares a million rows whose answers are all stored with DuckDB's join with a table of the same answers. */
import { Engine } from '../../src/index.ts';
import type { ModelFunction } from '../../src/model/chat.ts';
import { quantile } from '../../src/report/measures.ts';
import { cascadeRoot } from '../fixture-root.ts';
import { peakRssMb, type Sample, type Suite, type Variant } from '../suite.ts';

const ROWS = 1_000_000;
const ANSWERS = [1_000, 10_000, 100_000];
/** Runs of each statement in one sample, in turn with what it is compared with. Their median counts. */
const RUNS = 9;

/** The statement that is filled, repeated, and run over new rows; `other` has as many texts of its own. */
const where = (table: string) => `SELECT count(*) AS n FROM ${table} WHERE d IS_ODD 'x'`;

/** The statement of each shape, and the join that corresponds to it. */
const SHAPES: Readonly<Record<string, readonly [semantic: string, join: string]>> = {
  where: [where('big'), 'SELECT count(*) AS n FROM big LEFT JOIN known k USING (d) WHERE k.a'],
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
      /** Runs a statement, and gives the time that it takes, its rows and its calls. */
      const run = async (sql: string) => {
        const startMs = performance.now();
        const { rows, summary } = await engine.query(
          `-- @ max_calls: ${answers}\n-- @ parallel: 200\n${sql}`,
        );
        const ms = performance.now() - startMs;
        const found = rows.map((row) => Object.values(row).join()).join(';');
        return { ms, found, sent: summary.calls.sent };
      };
      /** Runs statements in turn, none of which may call a model; gives the median time of each. */
      const inTurn = async (statements: readonly string[]) => {
        const times = statements.map((): number[] => []);
        const found = new Set<string>();
        for (let turn = 0; turn < RUNS; turn += 1) {
          for (const [index, sql] of statements.entries()) {
            const one = await run(sql);
            if (one.sent > 0) throw new Error('answers were bought again');
            times[index]!.push(one.ms);
            found.add(one.found);
          }
        }
        return { medians: times.map(medianOf), found: [...found] };
      };
      const sample: Record<string, number> = {};
      for (const [table, text] of [
        ['big', 'text'],
        ['other', 'other text'],
      ]) {
        await engine.query(
          `CREATE TABLE ${table} AS SELECT i AS id, '${text} ' || (i % ${answers}) AS d, i % 100 AS g FROM range(${ROWS}) r(i)`,
        );
      }
      await engine.query(
        `CREATE TABLE known AS SELECT 'text ' || i AS d, CASE WHEN i % 20 > 0 THEN i % 2 = 1 END AS a FROM range(${answers}) r(i)`,
      );
      await engine.query('CREATE TABLE small AS SELECT i AS g FROM range(50) r(i)');
      for (const name of ['fillMs', 'second', 'third']) sample[name] = (await run(where('big'))).ms;
      for (const [shape, pair] of Object.entries(SHAPES)) {
        const { medians, found } = await inTurn(pair);
        if (found.length > 1) throw new Error(`${shape}: ${found.join(' is not ')}`);
        [sample[shape], sample[`${shape}Join`]] = medians as [number, number];
      }
      const texts = Array.from({ length: RUNS }, (_, at) => `${where('big')} AND id > -${at + 1}`);
      const newTexts: number[] = [];
      for (const text of texts) newTexts.push((await run(text)).ms);
      sample['newText'] = medianOf(newTexts);
      await run(where('other'));
      const alone = await inTurn([where('big'), where('big')]);
      const both = await inTurn([where('big'), where('other')]);
      sample['alone'] = medianOf(alone.medians);
      sample['twoInTurn'] = Math.max(...both.medians);
      const [newRows, calls, warm]: [number[], number[], number[]] = [[], [], []];
      await engine.query('CREATE TABLE one (id BIGINT, d VARCHAR)');
      for (let turn = 0; turn < RUNS; turn += 1) {
        await engine.query(`INSERT INTO big VALUES (-1, 'new text ${turn}1', 1)`);
        newRows.push((await run(where('big'))).ms);
        await engine.query(`INSERT INTO one VALUES (-1, 'one text ${turn}1')`);
        calls.push((await run(`${where('one')} AND d LIKE '% ${turn}1'`)).ms);
        warm.push((await run(where('big'))).ms);
      }
      sample['newRow'] = medianOf(newRows);
      sample['oneCall'] = medianOf(calls);
      sample['warm'] = medianOf(warm);
      sample['rssMb'] = peakRssMb();
      return sample as Sample;
    },
  };
}

const medianOf = (values: readonly number[]): number => quantile(values, 0.5)!;

export const warm: Suite = {
  name: 'warm',
  about: `${ROWS} rows whose questions are all answered, one in twenty by NULL, beside DuckDB's join with the answers`,
  samples: 3,
  variants: ANSWERS.map(known),
  figures: (median) =>
    ANSWERS.flatMap((answers) => {
      const variant = `${answers} answers`;
      const figure = (name: string, a: string, b: string, atMost: number) => ({
        name: `${variant}, ${name}`,
        value: median(variant, a) / median(variant, b),
        unit: '×',
        atMost,
      });
      const {
        newRow,
        warm: warmMs,
        oneCall,
      } = Object.fromEntries(
        ['newRow', 'warm', 'oneCall'].map((key) => [key, median(variant, key)]),
      ) as Record<'newRow' | 'warm' | 'oneCall', number>;
      return [
        ...Object.keys(SHAPES).map((shape) =>
          figure(
            `${shape}, against the join`,
            shape,
            `${shape}Join`,
            shape === 'where' ? 1.5 : 1.2,
          ),
        ),
        figure('the second run against the third', 'second', 'third', 1.5),
        figure('two tables in turn against one', 'twoInTurn', 'alone', 1.2),
        {
          name: `${variant}, a new row, less its call, against warm`,
          value: (newRow - oneCall) / warmMs,
          unit: '×',
          atMost: 1.2,
        },
        figure('a new text over known answers, against the join', 'newText', 'whereJoin', 4),
        { name: `${variant}, memory`, value: median(variant, 'rssMb'), unit: 'MiB' },
      ];
    }),
};
