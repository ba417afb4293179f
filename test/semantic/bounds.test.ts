/** Queries whose least and most rows give the same result although the rows between them give another. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { valuesOf } from './support.ts';

/** The rows of a table: `id`, `c`, `v`, and the text `d`. */
type Rows = string;

const PAIR: Rows = "(0, 0, 5, 'even rare'), (1, 0, 5, 'even odd')";
const GROUPS: Rows =
  "(0, 0, 1, 'p even'), (1, 1, 2, 'q even'), (2, 1, 1, 'r even'), (3, 2, 2, 's'), (4, 0, 2, 't even')";
const ORDERED: Rows =
  "(0, 0, 2, 'p even'), (1, 1, 3, 'q even'), (2, 0, 9, 'r even'), (3, 1, 9, 's')";
const ONE: Rows = "(0, 0, 5, 'even rare')";

/** Checks queries with `{d word}` for a condition at several degrees of parallelism. */
async function check(rows: Rows, ...queries: readonly string[]): Promise<void> {
  await using engine = await Engine.open({
    threads: 1,
    model: async ({ messages }) => {
      const prompt = messages.at(-1)!.content;
      const part = (tag: string) => prompt.split(`<${tag}>`)[1]!.split(`</${tag}>`)[0]!;
      const answer = part('text').split(' ').includes(part('criterion'));
      return { text: JSON.stringify({ answer }), finishReason: 'stop' };
    },
  });
  await engine.query(`CREATE TABLE x AS FROM (VALUES ${rows}) q(id, c, v, d)`);
  for (const query of queries) {
    const plain = await engine.query(
      query.replace(/\{(.*?) (\w+)\}/g, "list_contains(string_split($1, ' '), '$2')"),
    );
    for (const parallel of [1, 2, 10]) {
      const semantic = await engine.query(
        `-- @ cache: false\n-- @ parallel: ${parallel}\n${query.replace(/\{(.*?) (\w+)\}/g, "($1 MEANS '$2')")}`,
      );
      const [got, wanted] = [valuesOf(semantic), valuesOf(plain)];
      if (!query.includes('ORDER BY')) for (const values of [got, wanted]) values.sort();
      assert.equal(got, wanted, `${query} at parallel ${parallel}`);
    }
  }
}

test('an order by aggregates changes back and forth', () =>
  check(
    ORDERED,
    'SELECT c FROM x WHERE {d even} GROUP BY c ORDER BY max(v) LIMIT 1',
    'SELECT c FROM x WHERE {d even} GROUP BY c ORDER BY count(*) DESC, c',
    'SELECT c FROM x WHERE {d even} GROUP BY c ORDER BY min(v) DESC, c',
    'SELECT c FROM x WHERE {d even} GROUP BY c HAVING count(*) >= 1 ORDER BY max(v), c',
  ));

test('the different ones of the values of aggregates come and go', () =>
  check(
    GROUPS,
    'SELECT DISTINCT max(v) AS m FROM x WHERE {d even} GROUP BY c',
    'SELECT DISTINCT count(*) AS n FROM x WHERE {d even} GROUP BY c',
    'SELECT DISTINCT count(*) AS n FROM x WHERE {d even} GROUP BY c HAVING count(*) >= 1',
  ));

test('a single value of no rows is NULL', () =>
  check(
    ONE,
    'SELECT id FROM x WHERE {d even} AND v > (SELECT id FROM x QUALIFY {d rare} AND row_number() OVER () = 1)',
    'SELECT id FROM x WHERE {d even} AND v > (SELECT min(id) FROM x HAVING {max(d) rare})',
    'SELECT id FROM x WHERE {d even} AND v > (SELECT count(*) FROM x GROUP BY d HAVING {d rare})',
    'SELECT id FROM x WHERE {d even} AND v > (SELECT id FROM x WHERE {d rare} UNION SELECT 3 WHERE FALSE)',
    'SELECT id FROM x WHERE {d even} AND NOT (SELECT id > 3 FROM x WHERE {d rare} UNION SELECT TRUE WHERE FALSE)',
  ));

test('bool_and falls as rows are added, and rises with its conditions', () =>
  check(
    PAIR,
    'SELECT bool_and({d rare}) AS b FROM x WHERE {d even}',
    'SELECT bool_and({d rare}) FILTER (WHERE {d even}) AS b FROM x',
    'SELECT c, bool_and({d rare}) AS b FROM x WHERE {d even} GROUP BY c',
    'SELECT bool_or({d rare}) AS a, bool_and({d odd}) AS b FROM x WHERE {d even}',
  ));

test('a window sees the groups that a condition leaves', () =>
  check(
    ORDERED,
    'SELECT d FROM x GROUP BY d HAVING {d even} QUALIFY count(*) OVER () = 2',
    'SELECT d FROM x GROUP BY d HAVING {d even} QUALIFY count(*) OVER () = 3',
  ));

const ALIKE: Rows = "(0, 0, 1, 'x even'), (1, 0, 2, 'y even'), (2, 0, 1, 'z')";

test('equal values under a LIMIT may be of different rows', () =>
  check(
    ALIKE,
    'SELECT DISTINCT ON (c) c, v FROM x WHERE {d even} ORDER BY c, id DESC',
    'WITH w AS (SELECT * FROM x WHERE {d even} UNION ALL SELECT * FROM x WHERE FALSE) SELECT v FROM w ORDER BY id DESC LIMIT 1',
    'SELECT v FROM x WHERE EXISTS (SELECT 1 FROM x y WHERE x.id = y.id AND {y.d even}) ORDER BY id DESC LIMIT 1',
    'SELECT v FROM x SEMI JOIN x y ON x.id = y.id AND {y.d even} ORDER BY x.id DESC LIMIT 1',
    'SELECT v FROM (SELECT id, v FROM x WHERE {d even} UNION ALL SELECT 9, 9 WHERE FALSE) q ORDER BY id DESC LIMIT 1',
    'SELECT v FROM (SELECT id, v FROM x WHERE {d even} UNION ALL SELECT 9, 1) q ORDER BY id DESC LIMIT 1 OFFSET 1',
  ));

test('a whole row holds the answers of its columns', () =>
  check(
    PAIR,
    "SELECT q.id FROM (SELECT id, d, {d rare} AS m FROM x) q WHERE {q.d even} AND NOT struct_extract(q, 'm') AND (q.m OR q.id >= 0)",
  ));

test.run();
