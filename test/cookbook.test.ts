/** The recipes of docs/cookbook.md are run in order, in one folder, and give what the page shows. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { Engine } from '../src/index.ts';
import { startSimulator } from '../src/testing.ts';
import { rvbbitHere, stdoutOf } from './cli/here.ts';
import { rvbbit } from './cli/spawn.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const [intro = '', ...recipes] = readFileSync(`${root}docs/cookbook.md`, 'utf8').split(
  /^(?=## \d+\. )/m,
);

// Inside the package, so that its name can be imported.
const folder = mkdtempSync(`${root}dist/cookbook-`);
cpSync(`${root}examples`, `${folder}/examples`, { recursive: true });
const home = process.cwd();
const variables = { ...process.env };
process.chdir(folder);

let onCall = () => {};
const answers = parse(readFileSync('examples/simulated-answers.yaml', 'utf8')) as object;
const simulator = await startSimulator({ ...answers, latency: { kind: 'constant', ms: 5 } }, () =>
  onCall(),
);
process.env['OPENAI_BASE_URL'] = simulator.url;
process.env['RVBBIT_MODEL'] = 'openai/gpt-4o-mini';
const engine = await Engine.open({ env: process.env, stateDir: '.rvbbit', threads: 1 });

test.after(async () => {
  await engine.close();
  await simulator.close();
  process.chdir(home);
  process.env = variables;
  rmSync(folder, { recursive: true });
});

/** The rows as the command line prints them with --format jsonl. */
async function runSql(script: string): Promise<string> {
  let output = '';
  for await (const { rows } of engine.script(script, [], { valueForm: 'json-numbers' }))
    for (const row of rows) output += `${JSON.stringify(row)}\n`;
  return output;
}

/** Runs a line of a shell block, and gives what it writes: first to standard output, then to standard error. */
async function runLine(line: string): Promise<string> {
  const words = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replace(/^"|"$/g, ''));
  const args = words.slice(words.indexOf('rvbbit') + 1);
  if (words[0] !== 'timeout') {
    const threads = args[0] === 'cost' ? [] : ['--threads', '1'];
    const { stdout, stderr } = await rvbbitHere([...args, ...threads]);
    // Every five seconds it tells how far it is, which a slow machine shows and the page does not.
    return stdout + stderr.replace(/^rvbbit: \S+: \d+\/\d+ rows, .*\n/gm, '');
  }
  // Killed after some calls, and not after some time.
  let calls = 0;
  await rvbbit(args, {
    during(child) {
      onCall = () => {
        calls += 1;
        if (calls === 20) child.kill('SIGKILL');
      };
    },
  });
  assert.ok(calls >= 20, `${calls} calls`);
  return '';
}

async function runBlock(language: string, block: string): Promise<string> {
  const file = /^(?:--|#) (\S+\.\w+)\n/.exec(block)?.[1];
  if (file !== undefined) {
    writeFileSync(file, block);
    return '';
  }
  if (language === 'sql') return runSql(block);
  if (language === 'js') {
    writeFileSync('service.mjs', block);
    return stdoutOf(folder, () => import(pathToFileURL(`${folder}/service.mjs`).href));
  }
  assert.is(language, 'sh', block);
  let output = '';
  for (const line of block.trim().split('\n')) output += await runLine(line);
  return output;
}

/** What is shown as a pattern: `…` stands for any text, and on a line of its own for any lines. */
function patternOf(shown: string): RegExp {
  const parts = shown.split(/^…\n|…/m).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*?')}$`);
}

test('it starts the server with the answers that are used here', () => {
  assert.match(intro, 'rvbbit sim --port 4180 --faults examples/simulated-answers.yaml &\n');
  assert.match(intro, 'OPENAI_BASE_URL=http://127.0.0.1:4180/v1 RVBBIT_MODEL=openai/gpt-4o-mini\n');
});

test('it has twelve recipes', () => {
  assert.is(recipes.length, 12);
});

for (const recipe of recipes) {
  test(`${/^## (.*)/.exec(recipe)![1]}: gives what is shown`, async () => {
    let output = '';
    let shown = '';
    for (const [, language, block] of recipe.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)) {
      if (language === 'text') shown += block;
      else output += await runBlock(language!, block!);
    }
    assert.ok(shown !== '', 'it shows something');
    if (!patternOf(shown).test(output)) assert.is(output, shown);
  });
}

test.run();
