/** A part of `npm run bench`, from its processes to its table. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureWay } from '../../bench/strategies/ways.ts';
import type { Workload } from '../../bench/strategies/workload.ts';
import { reportCases } from '../support/cases.ts';
import { bench } from './run-bench.ts';

const SMALL: Workload = {
  name: 'small',
  about: 'a few rows',
  rows: 12,
  parallel: 4,
  sim: { latency: { kind: 'constant', ms: 5 }, seed: 7 },
};

test('a blocking function, UNION ALL over it and the engine give the same rows with the same calls', async () => {
  for (const [way, atOnce] of [
    ['udf', 1],
    ['udf union all', 1],
    ['batch', 4],
    ['bare client', 4],
  ] as const) {
    const { calls, wrong, inFlight, boundMs } = await measureWay(way, SMALL);
    assert.equal(
      { calls, wrong, inFlight, boundMs },
      { calls: 12, wrong: 0, inFlight: atOnce, boundMs: 15 },
      way,
    );
  }
});

test('a part of it runs as a person would run it', async () => {
  const { code, stdout, stderr } = await bench('--samples', '1', '--filter', 'wave');
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /constant: 60 rows, each a model call of 50 ms, n = 10; no way takes less than 300 ms/,
  );
  assert.match(stdout, /\n {2}wave +\d+ .* right\n/);
  assert.match(stderr, /bench: 2 of 6, about \d+ s left: strategies constant: wave 1\/1/);
  reportCases(6, 'samples');
});

test('--report writes a page and a file a chart, beside what is printed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rvbbit-report-'));
  try {
    const args = [
      '--filter',
      'n=20',
      '--samples',
      '1',
      '--report',
      '--output',
      directory,
      '--json',
    ];
    const { code, stdout, stderr } = await bench(...args);
    assert.is(code, 0, stderr);
    assert.is((JSON.parse(stdout) as unknown[]).length, 1);
    assert.match(stderr, `wrote ${join(directory, 'index.html')}`);
    const page = readFileSync(join(directory, 'index.html'), 'utf8');
    assert.equal([...new Set(page.match(/\w+:\/\/[^"'\s<]*/g))], ['http://www.w3.org/2000/svg']);
    assert.match(page, '<td>heavy tail n=20</td>');
    const files = readdirSync(directory);
    for (const name of ['wall', 'latency', 'cost', 'timeline-wave', 'timeline-bare-client']) {
      assert.ok(files.includes(`heavy-tail-${name}.svg`), `${name} of ${files.join(' ')}`);
    }
    reportCases(5, 'samples');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
