/** PARALLEL holds in every kind of statement, whichever way it is given, and the nearest way counts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'ask.yaml': `cascade_id: ask
inputs_schema: { v: a value }
cells: [{ name: ask, instructions: "About {{ input.v }}: yes or no?" }]
`,
});
test.after(() => removeFolder(cascades));

const ROWS = "(SELECT 'thing ' || i AS v FROM range(40) r(i))";
const STATEMENTS: Readonly<Record<string, string>> = {
  MAP: `RVBBIT MAP 'ask.yaml' USING ${ROWS}`,
  'MAP in brackets': `SELECT * FROM (RVBBIT MAP 'ask.yaml' USING ${ROWS})`,
  'semantic SELECT': `SELECT v MEANS 'even' AS m FROM ${ROWS}`,
  'semantic write': `CREATE OR REPLACE TABLE w AS SELECT v MEANS 'even' AS m FROM ${ROWS}`,
};
/** The lanes of a statement that says nothing, of an engine that says nothing. */
const DEFAULTS: Readonly<Record<string, number>> = {
  MAP: 1,
  'MAP in brackets': 1,
  'semantic SELECT': 10,
  'semantic write': 10,
};

/** Runs a statement on an engine of its own, and gives the most calls that were in flight, and EXPLAIN's word for it. */
async function lanes(sql: string, parallel: number | undefined) {
  let inFlight = 0;
  let most = 0;
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    ...(parallel === undefined ? {} : { parallel }),
    model: async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inFlight -= 1;
      return { text: '{"answer":true}', finishReason: 'stop' };
    },
  });
  const { parallel: explained } = await engine.explain(sql);
  assert.is(most, 0);
  await engine.query(sql);
  return { most, explained };
}

for (const [kind, sql] of Object.entries(STATEMENTS)) {
  test(`${kind}: an annotation counts before the engine's option, and that before the default`, async () => {
    const given = [
      [sql, undefined, DEFAULTS[kind]],
      [sql, 3, 3],
      [`-- @ parallel: 4\n${sql}`, 3, 4],
    ] as const;
    for (const [text, option, expected] of given) {
      assert.equal(await lanes(text, option), { most: expected, explained: expected }, text);
    }
  });
}

test.run();
