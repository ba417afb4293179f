/** docs/first-answer.md is followed line by line. Its install is the package's own test; the real model is a simulated server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startSimulator } from '../src/testing.ts';
import { rvbbitHere } from './cli/here.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../docs/first-answer.md', import.meta.url)),
  'utf8',
);
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text!,
  );

/** The words of a line as a shell reads them: the page has no other quotes than these. */
const wordsOf = (line: string) =>
  (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"|"$/g, ''));

test('every command of the page works, and gives what the page shows', async () => {
  const cwd = mkdtempSync(`${tmpdir()}/rvbbit-first-`);
  await using simulator = await startSimulator({ answers: 'json' });
  writeFileSync(`${cwd}/tickets.csv`, blocks('csv')[0]!);
  writeFileSync(`${cwd}/topic.yaml`, blocks('yaml')[0]!);
  // The simulated server stands at the address of the real one.
  const env: Record<string, string> = { OPENAI_BASE_URL: simulator.url };
  const printed: string[] = [];
  for (const line of blocks('sh').join('').trim().split('\n')) {
    const [, name, value] = /^export (\w+)=(\S+)$/.exec(line) ?? [];
    if (name !== undefined) env[name] = value!.replace('…', '1');
    if (!line.includes('npx rvbbit')) continue;
    const [assigned = '', command = ''] = line.split('npx rvbbit');
    const [own, ownValue = ''] = assigned.trim().split('=');
    const { code, stdout, stderr } = await rvbbitHere(wordsOf(command), {
      cwd,
      env: { ...env, ...(own === '' ? {} : { [own!]: ownValue }) },
    });
    assert.is(code, 0, `${line}\n${stderr}`);
    printed.push(stdout);
  }
  rmSync(cwd, { recursive: true });
  const [, , mapped, , answered, cost] = printed;
  assert.is(printed.length, 7);
  assert.is(mapped, blocks('text')[0]!);
  assert.is(answered!.trim().split('\n').length, 4);
  assert.match(cost!, '"calls":4');
});

test.run();
