import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { guardYaml } from '../../src/cascade/guard-yaml.ts';
import { cases, deep, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';

test('hostile files leave the process alive, each refused within 100 ms and 64 MB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-yaml-'));
  const report = join(folder, 'report.json');
  const budgetMs = deep ? 3_600_000 : QUICK_BUDGET_MS / 2;
  const child = spawnSync(process.execPath, [
    fileURLToPath(new URL('./guard-yaml.child.js', import.meta.url)),
    String(seed),
    String(cases(300, 100_000)),
    String(budgetMs),
    report,
  ]);
  assert.is(child.status, 0, `the child died: ${child.signal} ${child.stderr}`);
  const { count, findings } = JSON.parse(readFileSync(report, 'utf8'));
  rmSync(folder, { recursive: true });
  assert.equal(findings, []);
  assert.ok(count > 400);
  reportCases(count, 'hostile and mutated files');
});

function refusal(text: string): string {
  const guarded = guardYaml(Buffer.from(text), 'x.yaml');
  if (guarded.ok) return 'accepted';
  const { line, column } = guarded.problem.place;
  return `${line}:${column} ${guarded.problem.message}`;
}

test('a refusal says where', () => {
  assert.is(refusal('a: 1\nb: *x'), '2:4 anchors and aliases are not allowed; write the value out');
  assert.is(refusal('a: 1\nb: !!x y'), '2:4 tags are not allowed');
  assert.is(refusal('a: "x\u0000"'), '1:6 control character U+0000');
  assert.match(refusal(`a:\n  ${'['.repeat(65)}`), /^2:67 nesting deeper than 64/);
});

test('brackets, quotes and dashes inside texts do not count as nesting', () => {
  const text = `a: |\n${'  [[[[[[[[{{{{{{{{\n'.repeat(100)}b: "${'['.repeat(100)}"\nc: '${'{'.repeat(100)}'\nd: x${' - [ ? '.repeat(50)}\n`;
  assert.is(refusal(text), 'accepted');
});

test.run();
