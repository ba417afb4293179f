/** Mutated DuckDB SQL: what DuckDB parses is never claimed, the rest is never changed beyond the operators' words. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ambiguousOperands } from '../../grammar/semantic/ambiguity.ts';
import { findOperators } from '../../grammar/semantic/find-operators.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { parseSql } from '../../src/duck/parse-sql.ts';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { RvbbitError } from '../../src/errors.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { claimOperators, trial } from '../../src/semantic/claim-operators.ts';
import { vocabularyOf } from '../../src/semantic/vocabulary-of.ts';
import { root } from '../semantic/support.ts';
import { deep, reportCases, seed } from '../support/cases.ts';

const BUDGET_MS = deep ? 45_000 : 8_000;

const STATEMENTS = [
  "SELECT a, b AS means FROM t WHERE a = 'x' AND b LIKE '%y' ORDER BY 1 LIMIT 3",
  'SELECT ask.about FROM means ask JOIN about ON ask.id = about.id WHERE ask.n > 1.5e3',
  "INSERT INTO t (a, b) VALUES ('it''s', $1), (E'\\n', $tag$a MEANS 'b'$tag$)",
  'CREATE TABLE matches AS SELECT *, row_number() OVER (PARTITION BY a ORDER BY b) AS r FROM t',
  "UPDATE t SET a = b || 'x', n = n + 1 WHERE j->>'k' = 'v' AND l[1:2] = [1, 2]",
  'DELETE FROM t USING u WHERE t.id = u.id AND NOT u.means RETURNING t.id',
  'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r',
  "SELECT list_filter([1, 2], x -> x > 1), list_transform(l, lambda y: y * 2), {'a': 1}.a FROM t",
  "SELECT CASE WHEN a IS NULL THEN DATE '2020-01-01' ELSE CAST(b AS DATE) END FROM t /* MEANS */ -- ASK",
  'PIVOT t ON a USING sum(n) GROUP BY b',
  'FROM t SELECT a, count(*) FILTER (WHERE n > 1) GROUP BY ALL HAVING count(*) > 2 QUALIFY true',
  "COPY (SELECT a FROM t) TO 'x.csv' (HEADER, DELIMITER ',')",
  'EXPLAIN ANALYZE SELECT a NOT IN (SELECT b FROM u) FROM t',
];
const SPLICES = [
  'MEANS',
  'NOT MEANS',
  'ABOUT',
  'ALIGNS WITH',
  'RELEVANCE TO',
  'TRANSLATED TO',
  'ASK',
  'means',
  'semantic_means(',
  'quality(a)',
  "'x'",
  "'",
  '"',
  '$$',
  '(',
  ')',
  ',',
  ';',
  '||',
  '->',
  '::',
  '--',
  '/*',
  '*/',
  'a',
  '1',
  'AND',
  'NOT',
  'CASE',
  'END',
  'WHERE',
  'FROM',
  'SELECT',
  '\n',
  '\u00a0',
  '\u{1d4b3}',
  '~@~',
  '$1',
  '?',
  '[',
  '}',
  'ä',
  "E'",
  'AS',
  'TO',
  'WITH',
  "a MEANS 'x'",
  'a NOT MATCHES (b)',
];

test('neither throws nor touches what is not an operator', async () => {
  const lease = await acquireDatabase(':memory:');
  await using session = await Session.open(lease);
  const vocabulary = vocabularyOf(await loadOperators(root));
  let state = seed >>> 0;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const started = performance.now();
  let count = 0;
  let claimedCount = 0;
  while (performance.now() - started < BUDGET_MS) {
    count += 1;
    const source = mutated(STATEMENTS[random(STATEMENTS.length)]!, random);
    const what = `seed ${seed}, case ${count}: ${JSON.stringify(source)}`;
    try {
      statementParts(source);
      findOperators(source, vocabulary);
      const claimed = await claimOperators(session, source, vocabulary);
      const parses = (await parseSql(session, source)).kind !== 'error';
      if (claimed.kind !== 'claimed') continue;
      claimedCount += 1;
      ambiguousOperands(source, claimed.spans);
      const infix = claimed.spans.filter(({ kind }) => kind === 'infix');
      assert.ok(!parses || infix.length === 0, `${what} parses, and was claimed`);
      const { text } = trial(source, claimed.spans);
      let rest = source;
      let left = text;
      for (const [index, { span }] of claimed.spans.entries()) {
        const before = source.slice(claimed.spans[index - 1]?.span.end ?? 0, span.start);
        assert.ok(left.startsWith(before), what);
        left = left.slice(before.length).replace(/^( ~[@&|^]+~ |rvb_call_\d+)/, '');
        rest = source.slice(span.end);
      }
      assert.is(left, rest, what);
    } catch (thrown) {
      // A NUL and the like are refused before DuckDB sees them.
      if (!(thrown instanceof RvbbitError)) throw new Error(`${what}: ${String(thrown)}`);
    }
  }
  await lease.release();
  reportCases(count, `mutated statements, ${claimedCount} with operators`);
  assert.ok(claimedCount > 20);
});

function mutated(statement: string, random: (below: number) => number): string {
  let text = statement;
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(text.length + 1);
    const splice = SPLICES[random(SPLICES.length)]!;
    switch (random(4)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + 1 + random(6));
        break;
      case 1: {
        // Between two words, where an operator may stand.
        const space = text.indexOf(' ', at);
        const place = space < 0 ? at : space;
        text = `${text.slice(0, place)} ${splice} ${text.slice(place + 1)}`;
        break;
      }
      case 2:
        text = text.replace(/ = | LIKE | > /, ` ${SPLICES[random(8)]} `);
        break;
      default:
        text = text.slice(0, at) + splice + text.slice(at);
    }
  }
  return text;
}

test.run();
