/** Known answers give the same rows wherever the operator stands, NULL included: with conditions only TRUE or FALSE counts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'operators/odd.yaml': `cascade_id: odd
sql_function:
  name: ODD
  returns: BOOLEAN
  args: [{ name: d, type: VARCHAR }, { name: c, type: VARCHAR }]
  operators: ["{d} IS_ODD {c}"]
cells:
  - name: say
    instructions: "{{ input.d }}, {{ input.c }}"
    output_schema: { type: [boolean, "null"] }
`,
});
let calls = 0;
const engine = await Engine.open({
  cascades,
  threads: 1,
  model: async ({ messages }) => {
    calls += 1;
    const number = Number(/\d+/.exec(String(messages.at(-1)!.content))?.[0]);
    const text = number % 5 === 0 ? 'null' : String(number % 2 === 1);
    return { text, finishReason: 'stop' };
  },
});
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});
test.before(async () => {
  await engine.query(
    "CREATE TABLE t AS SELECT i AS id, CASE WHEN i % 50 = 49 THEN NULL ELSE 'word ' || (i % 125) END AS d, i % 7 AS g, CASE WHEN i % 3 > 0 THEN i % 3 = 1 END AS p FROM range(500) r(i)",
  );
  await engine.query('CREATE TABLE s AS SELECT i AS g FROM range(3) r(i)');
});

/** The model's answer, in SQL. */
const ANSWER = '(CASE WHEN substr(d, 6)::INT % 5 > 0 THEN substr(d, 6)::INT % 2 = 1 END)';
const PLACES = [
  'SELECT id FROM t WHERE @',
  'SELECT id FROM t WHERE NOT @',
  'SELECT id FROM t WHERE NOT (@ AND p)',
  'SELECT id FROM t WHERE NOT (@ OR NOT p)',
  'SELECT id FROM t WHERE (@ AND g = 1) OR g = 2',
  'SELECT id FROM t WHERE @ AND NOT @',
  'SELECT id FROM t WHERE @ IS NULL',
  'SELECT id FROM t WHERE NOT (@ IS NULL)',
  'SELECT id FROM t WHERE @ IS NOT DISTINCT FROM p',
  'SELECT id FROM t WHERE @ = p',
  'SELECT id FROM t WHERE coalesce(@, p)',
  'SELECT id FROM t WHERE CASE WHEN @ THEN NOT p ELSE p END',
  'SELECT id FROM t WHERE NOT CASE WHEN NOT @ THEN p END',
  'SELECT id FROM t WHERE (CASE WHEN @ THEN p END) IS NULL',
  'SELECT id, @ AS m FROM t',
  'SELECT id, NOT @ AS m FROM t WHERE @',
  'SELECT @ AS m, count(*) AS n FROM t GROUP BY ALL',
  'SELECT count(*) FILTER (@) AS n, count(*) FILTER (NOT @) AS o FROM t',
  'SELECT g, count(*) AS n FROM t WHERE @ GROUP BY g HAVING count(*) > 20',
  'SELECT id, s.g FROM t JOIN s ON t.g = s.g AND @',
  'SELECT id, s.g FROM t JOIN s ON t.g = s.g AND NOT @',
  'SELECT id, s.g FROM t LEFT JOIN s ON t.g = s.g AND @',
  'SELECT id, s.g FROM t RIGHT JOIN s ON t.g = s.g AND NOT (@ AND p)',
  'SELECT sum(CASE WHEN @ THEN 1 WHEN NOT @ THEN 10 ELSE 100 END) AS n FROM t',
  'SELECT max(m) AS n FROM (SELECT @ AS m, id FROM t)',
  'SELECT n FROM (SELECT id AS n FROM t WHERE NOT @) WHERE n % 2 = 0',
];

test('each place gives the rows of the plain query, before and after the answers are known', async () => {
  const wrong: string[] = [];
  const rowsOf = async (sql: string) => {
    const { rows } = await engine.query(`FROM (${sql}) ORDER BY ALL`);
    return JSON.stringify(rows, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  };
  for (const [criterion, places] of [
    ['x', PLACES],
    ['y', [...PLACES].reverse()],
  ] as const) {
    for (const place of places) {
      const plain = await rowsOf(place.replaceAll('@', ANSWER));
      // The statement itself is one SELECT: as a part of another, it would be answered in another way.
      const semantic = `-- @ parallel: 100\n${place.replaceAll('@', `d IS_ODD '${criterion}'`)} ORDER BY ALL`;
      for (let run = 0; run < 3; run++) {
        const { rows } = await engine.query(semantic);
        const text = JSON.stringify(rows, (_, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        );
        if (text !== plain) wrong.push(`${place}, run ${run}`);
      }
    }
  }
  assert.equal(wrong, []);
  assert.is(calls, 2 * 125);
});

test.run();
