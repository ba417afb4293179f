/** What the README and the pages on embedding and sessions show is run as it stands, from the repository's root. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rvbbitHere, stdoutOf } from './cli/here.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const embedding = readFileSync(`${root}docs/embedding.md`, 'utf8');
const run = promisify(execFile);

function blocks(language: string, text = readme): string[] {
  const fences = text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return [...fences].map((match) => match[1]!);
}

function rvbbit(args: readonly string[]) {
  return run(process.execPath, [`${root}dist/bundle/rvbbit.js`, ...args], { cwd: root });
}

test('the statement at the top gives 200 rows in file order', async () => {
  const [sql] = blocks('sql');
  const { stdout } = await rvbbit(['-c', sql!, '--format', 'json']);
  const rows = JSON.parse(stdout) as { name: string; price: number }[];
  assert.is(rows.length, 200);
  const file = await rvbbitHere(
    ['-c', "SELECT name, price FROM 'examples/data/products.csv' LIMIT 200", '--format', 'json'],
    { cwd: root },
  );
  const bare = JSON.parse(file.stdout) as typeof rows;
  assert.equal(
    rows.map(({ name, price }) => ({ name, price })),
    bare,
  );
});

test('the query around a MAP counts its rows', async () => {
  const [, sql] = blocks('sql');
  const { stdout } = await rvbbit(['-c', sql!, '--format', 'json']);
  const rows = JSON.parse(stdout) as { brand: string | null; products: number }[];
  assert.is(
    rows.reduce((sum, { products }) => sum + products, 0),
    344,
  );
  assert.ok(rows.some(({ brand }) => brand === 'Apple'));
});

test('the start command runs the demo: 40 lines, the cost of each statement, and commands that work', async () => {
  const scripts = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts as Record<
    string,
    string
  >;
  assert.ok(blocks('sh').some((block) => block.includes('npm ci && npm start')));
  assert.is(scripts['start'], 'npm run --silent build && node examples/demo.mjs');
  const { stdout } = await run(process.execPath, ['examples/demo.mjs'], { cwd: root });
  assert.ok(stdout.trimEnd().split('\n').length <= 40, stdout);
  const costs = [
    ...stdout.matchAll(/^ {3}= (\d+) runs?, (\d+) model calls, (\d+) stored answers, (\S+),/gm),
  ];
  assert.equal(
    costs.map(([, runs, calls, stored]) => [
      Number(runs) > 0,
      Number(calls) > 0,
      Number(stored) > 0,
    ]),
    [
      [true, false, false],
      [true, true, false],
      [true, true, true],
      [true, false, false],
    ],
  );
  assert.ok(costs[1]![4]! > '$0.0002' && costs[0]![4] === '$0.0000', stdout);
  const [, next] = stdout.split('Try next:\n');
  const commands = next!
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/ +#.*/, ''));
  assert.is(commands.length, 3);
  const folder = mkdtempSync(`${tmpdir()}/rvbbit-demo-`);
  const told: string[] = [];
  for (const command of commands) {
    const here = command
      .replace('npx rvbbit', 'node dist/bundle/rvbbit.js')
      .replace('my-project', folder);
    told.push((await run('bash', ['-c', here], { cwd: root })).stderr);
  }
  assert.match(told[0]!, '344 rows, 317 ok, 27 null', 'the quickstart');
  rmSync(folder, { recursive: true });
});

for (const block of blocks('sh').filter((text) => text.startsWith('npx rvbbit -c'))) {
  test(`the shell command runs: ${block.slice(0, 40)}…`, async () => {
    const { stdout } = await run(
      'bash',
      ['-c', block.replace('npx rvbbit', 'node dist/bundle/rvbbit.js')],
      {
        cwd: root,
      },
    );
    assert.is(stdout.trim().split('\n').length, 4);
  });
}

/** Runs an example as a module of this package, and gives what it prints. */
async function runModule(block: string, name: string): Promise<string> {
  const file = `${root}${name}.mjs`;
  writeFileSync(file, block);
  try {
    return await stdoutOf(root, () => import(pathToFileURL(file).href));
  } finally {
    unlinkSync(file);
  }
}

for (const [index, block] of blocks('js').entries()) {
  test(`JavaScript example ${index + 1} of the README runs`, async () => {
    const stdout = await runModule(block, `readme-example-${index}`);
    const expected = ['5 5', "RVBBIT MAP PARALLEL 5 'x.yaml' AS v\nUSING (select 1);"][index]!;
    assert.match(stdout, expected);
    if (index === 1) assert.match(stdout, 'PARALLEL\n');
  });
}

const EMBEDDED = [
  '{ in: 3, ok: 3, null: 0, failed: 0, skipped: 0, notRun: 0, deduped: 0 }',
  '3n 1\n[{"n":3,"j":"{\\"a\\": 1}"}]\n',
  'price DOUBLE, band VARCHAR\n0 budget\n1 budget\n2 budget\nincomplete\n',
  'RVB_CASCADE_NOT_FOUND cascade\n',
  '20 runs settled\n',
  'negative\n',
  'all cases passed\n',
];
const SESSIONS = [
  'standard standard\npremium premium\n',
  'before COMMIT: 0\nafter COMMIT: 1\n',
  'RVB_LIMIT\n42\n',
];

for (const [page, printed] of Object.entries({
  'docs/embedding.md': EMBEDDED,
  'docs/sessions.md': SESSIONS,
})) {
  const examples = blocks('js', readFileSync(root + page, 'utf8'));
  assert.is(examples.length, printed.length);
  for (const [index, block] of examples.entries()) {
    test(`example ${index + 1} of ${page} runs`, async () => {
      assert.match(await runModule(block, `${page.replace(/\W/g, '-')}-${index}`), printed[index]!);
    });
  }
}

for (const name of ['EngineOptions', 'QueryOptions']) {
  test(`the page on embedding names every option of ${name}`, () => {
    const source = readFileSync(`${root}src/options.ts`, 'utf8');
    const declared = new RegExp(`interface ${name} \\{\n([\\s\\S]*?)^\\}`, 'm').exec(source)![1]!;
    const options = [...declared.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1]!);
    assert.ok(options.length > 3);
    for (const option of options) assert.match(embedding, `\`${option}\``);
  });
}

test.run();
