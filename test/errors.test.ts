/** The error codes: documented, each in one row, and each that the code can raise is raised by some test. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_CODES } from '../src/error-codes.ts';
import { cancelledError, closedError, messageOf, RvbbitError, sqlStateOf } from '../src/errors.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

function textOf(folders: readonly string[], skip: RegExp): string {
  return folders
    .flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `${folder}/${name}`),
    )
    .filter((file) => !skip.test(file))
    .map((file) => readFileSync(root + file, 'utf8'))
    .join('\n');
}

test('docs/errors.md has one row for each code, with its SQLSTATE', () => {
  const rows = readFileSync(`${root}docs/errors.md`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `RVB_'));
  const documented = rows.map((row) => /`(RVB_\w+)`/.exec(row)![1]!);
  assert.equal([...documented].sort(), [...ERROR_CODES].sort());
  for (const row of rows) {
    const code = /`(RVB_\w+)`/.exec(row)![1]! as (typeof ERROR_CODES)[number];
    assert.ok(row.includes(sqlStateOf(code)), `${code} without ${sqlStateOf(code)}`);
  }
});

test('every code that the engine can raise is expected by some test', () => {
  const source = textOf(['src', 'grammar', 'workers'], /^src\/errors\.ts$|simulator/);
  const tests = textOf(['test'], /^test\/errors\.test\.ts$/);
  // RVB_INTERNAL is a promise of ours that broke: there is no test that could break it.
  const raised = ERROR_CODES.filter(
    (code) => code !== 'RVB_INTERNAL' && source.includes(`'${code}'`),
  );
  assert.equal(
    raised.filter((code) => !tests.includes(code)),
    [],
  );
});

test('what was cancelled and what is closed is worded in one place', () => {
  const code = textOf(['src', 'workers'], /^src\/errors\.ts$/).replace(
    /^\s*(?:\/?\*|\/\/).*$/gm,
    '',
  );
  const worded = /the (?:statement|engine|session|database) (?:is|was) (?:cancelled|closed)/g;
  assert.equal(code.match(worded), null);
  assert.is(cancelledError().message, 'the statement was cancelled');
  assert.is(closedError().message, 'the engine is closed; open another');
  assert.is(closedError('session').message, 'the session is closed; open another');
});

test('an error is plain data without a stack, and a long message is cut', () => {
  const error = new RvbbitError('RVB_SQL', 'no', { stage: 'read', place: { line: 1, column: 2 } });
  assert.equal(JSON.parse(JSON.stringify(error)), {
    code: 'RVB_SQL',
    stage: 'read',
    sqlState: '42000',
    message: 'no',
    place: { line: 1, column: 2 },
  });
  assert.is(messageOf(new Error('x'.repeat(1000)), 10), `${'x'.repeat(9)}…`);
});

test.run();
