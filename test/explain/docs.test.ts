/** What docs/explain.md shows is what comes: the statements are run in order, their times and what depends on them left out. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const file = `${root}docs/explain.md`;

/** Times, and the numbers of stages, differ from run to run; tables are as wide as their figures. */
function steady(text: string): string {
  return text
    .replace(/^.*(seconds at|predicted +actual).*$/gm, '')
    .replace(/\d+ ms a call|at a time, .*$/gm, '')
    .replace(/rvb_stage_\d+/g, 'rvb_stage')
    .replace(/ +/g, ' ')
    .replace(/[ \t]+$/gm, '');
}

test('docs/explain.md shows what EXPLAIN gives', async () => {
  const before = process.cwd();
  process.chdir(root);
  await using simulator = await startSimulator({
    seed: 7,
    latency: { kind: 'constant', ms: 80 },
  });
  await using engine = await Engine.open({
    cascades: root,
    threads: 1,
    model: 'openai/gpt-4o-mini',
    providers: {
      openai: {
        type: 'openai-compatible',
        baseUrl: simulator.url,
        responseFormat: 'json_schema',
        prices: { 'gpt-4o-mini': { inputPerMtok: 0.15, outputPerMtok: 0.6 } },
      },
    },
  });
  let page = readFileSync(file, 'utf8');
  let count = 0;
  for (const [whole, sql, shown] of page.matchAll(
    /```sql\n([^`]*);\n```\n\n```text\n([^`]*)\n```/g,
  )) {
    const { rows } = await engine.query(sql!);
    const given = rows.map(({ explain }) => String(explain)).join('\n');
    count += 1;
    // Set to write the page anew, after a change of what is shown.
    if (process.env['RVBBIT_WRITE_DOCS'] === '1')
      page = page.replace(
        whole,
        whole.replace(shown!, () => given),
      );
    else assert.is(steady(given), steady(shown!), sql);
  }
  process.chdir(before);
  assert.is(count, 4);
  if (process.env['RVBBIT_WRITE_DOCS'] === '1') writeFileSync(file, page);
});

test.run();
