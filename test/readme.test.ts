/** What the README shows is run as it stands, from the repository's root. */
import { execFile } from 'node:child_process';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const run = promisify(execFile);

function blocks(language: string): string[] {
  const fences = readme.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return [...fences].map((match) => match[1]!);
}

function rvbbit(args: readonly string[]) {
  return run(process.execPath, [`${root}dist/src/cli/main.js`, ...args], { cwd: root });
}

test('the statement at the top gives 200 rows in file order', async () => {
  const [sql] = blocks('sql');
  const { stdout } = await rvbbit(['-c', sql!, '--format', 'json']);
  const rows = JSON.parse(stdout) as { name: string; price: number }[];
  assert.is(rows.length, 200);
  const file = await rvbbit([
    '-c',
    "SELECT name, price FROM 'examples/data/products.csv' LIMIT 200",
    '--format',
    'json',
  ]);
  const bare = JSON.parse(file.stdout) as typeof rows;
  assert.equal(
    rows.map(({ name, price }) => ({ name, price })),
    bare,
  );
});

test('the start command is the package script, and the quickstart runs to its end', async () => {
  const scripts = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts as Record<
    string,
    string
  >;
  assert.ok(blocks('sh').some((block) => block.includes('npm ci && npm start')));
  assert.is(scripts['start'], 'node dist/src/cli/main.js -f examples/quickstart.sql');
  const { stderr } = await rvbbit(['-f', 'examples/quickstart.sql']);
  assert.match(stderr, '344 rows, 317 ok, 27 null');
});

for (const block of blocks('sh').filter((text) => text.startsWith('npx rvbbit'))) {
  test(`the shell command runs: ${block.slice(0, 40)}…`, async () => {
    const { stdout } = await run(
      'bash',
      ['-c', block.replace('npx rvbbit', 'node dist/src/cli/main.js')],
      {
        cwd: root,
      },
    );
    assert.is(stdout.trim().split('\n').length, 4);
  });
}

for (const [index, block] of blocks('js').entries()) {
  test(`JavaScript example ${index + 1} runs`, async () => {
    const file = `${root}readme-example-${index}.mjs`;
    writeFileSync(file, block);
    try {
      const { stdout } = await run(process.execPath, [file], { cwd: root });
      const expected = ['5 5', "RVBBIT MAP PARALLEL 5 'x.yaml' AS v\nUSING (select 1);"][index]!;
      assert.match(stdout, expected);
      if (index === 1) assert.match(stdout, 'PARALLEL\n');
    } finally {
      unlinkSync(file);
    }
  });
}

test.run();
