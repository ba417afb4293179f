/** Every catalogue statement that was recorded from real clients and a real PostgreSQL, answered by DuckDB. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Outcome, Replay, recordedStatements } from './replay.ts';

/**
 * The statements that are not answered right, by a part of their text:
 * - pgcli counts the words of function bodies: DuckDB takes no UNNEST with a GROUP BY of its result.
 * - DataGrip's NATURAL JOIN: PostgreSQL puts the shared column first.
 * - DBD::Pg's statistics: a NULL in every arm of a UNION is text, in DuckDB an integer.
 */
const MISSED = [
  'OrderWords AS',
  'natural join languages',
  'NOT(i.indisunique)            AS "NON_UNIQUE"',
];
/** Statements that the connection answers, before the catalogue is looked at: test/server/sql/sessions.test.ts. */
const SETS = /^SELECT set_config\(/;
/** Rows differ where the objects do: sizes, transaction ids, PostgreSQL's own roles, languages and extensions. */
const SAME_ROWS_MIN = 270;

test('all statements of real clients but a few have the columns and types of PostgreSQL, and most its rows', async () => {
  await using replay = await Replay.open();
  const outcomes: { readonly sql: string; readonly outcome: Outcome }[] = [];
  for (const recorded of recordedStatements().filter(({ sql }) => !SETS.test(sql))) {
    outcomes.push({ sql: recorded.sql, outcome: await replay.compare(recorded) });
  }
  const count = (kind: Outcome['kind']) =>
    outcomes.filter(({ outcome }) => outcome.kind === kind).length;
  console.log(
    `${outcomes.length} statements: ${count('same')} with the same rows, ${count('many') + count('rows')} with other objects' rows`,
  );
  const missed = outcomes.filter(({ outcome }) => ['error', 'columns'].includes(outcome.kind));
  const surprises = missed.filter(({ sql }) => !MISSED.some((part) => sql.includes(part)));
  assert.equal(surprises, []);
  assert.ok(count('same') >= SAME_ROWS_MIN, `${count('same')} answers with the same rows`);
});

test.run();
