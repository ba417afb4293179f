import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runFiles } from './support/run-files.ts';

async function verdict(fixture: string) {
  const file = fileURLToPath(new URL(`./fixtures/runner/${fixture}.js`, import.meta.url));
  const [result] = await runFiles([file], { timeoutMs: 3_000, lingerMs: 500, parallel: 1 });
  return result!;
}

test('a file whose tests pass counts them', async () => {
  const { passed, failed } = await verdict('passing');
  assert.equal([passed, failed], [1, 0]);
});

test('a failing test counts as failed and says why', async () => {
  const { passed, failed, output } = await verdict('failing');
  assert.equal([passed, failed], [1, 1]);
  assert.match(output, 'Expected values to be strictly equal');
});

test('a before hook that throws fails the tests it kept from running', async () => {
  assert.ok((await verdict('throwing-before')).failed > 0);
});

for (const [fixture, problem] of [
  ['forgotten-run', /ran no test/],
  ['hanging', /did not end within/],
  ['crashing', /without a report/],
  ['lingering', /left something open/],
] as const) {
  test(`a ${fixture} file counts as failed`, async () => {
    const result = await verdict(fixture);
    assert.is(result.failed, 1);
    assert.match(result.problem ?? '', problem);
  });
}

test('files share a process, and one that ends it takes none of the others along', async () => {
  const file = (name: string) =>
    fileURLToPath(new URL(`./fixtures/runner/${name}.js`, import.meta.url));
  const names = ['passing', 'failing', 'crashing', 'hanging', 'passing', 'forgotten-run'];
  const results = await runFiles(names.map(file), {
    timeoutMs: 3_000,
    lingerMs: 500,
    parallel: 1,
    together: 4,
  });
  assert.equal(
    results.map(({ passed, failed }) => [passed, failed]),
    [
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 1],
      [1, 0],
      [0, 1],
    ],
  );
});

test.run();
