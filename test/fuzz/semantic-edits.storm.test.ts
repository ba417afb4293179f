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
import { claimOperators, trial } from '../../src/semantic/read/claim-operators.ts';
import { vocabularyOf } from '../../src/semantic/read/vocabulary-of.ts';
import { root } from '../semantic/support.ts';
import { deep, reportCases, seed } from '../support/cases.ts';
import { mutated, randomBelow, STATEMENTS } from './semantic-mutations.ts';

const BUDGET_MS = deep ? 45_000 : 5_000;

test('neither throws nor touches what is not an operator', async () => {
  const lease = await acquireDatabase(':memory:');
  await using session = await Session.open(lease);
  const vocabulary = vocabularyOf(await loadOperators(root));
  const random = randomBelow(seed);
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
  assert.ok(claimedCount > 5);
});

test.run();
