/** The commands and programs of docs/connect.md, against the server. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openShop, type Shop } from './shop.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(`${root}docs/connect.md`, 'utf8');

let shop: Shop;
test.before(async () => {
  shop = await openShop({});
});
test.after(() => shop?.close());

/** The blocks of a language, with the port of this server. */
function blocks(language: string): readonly string[] {
  const fences = page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return [...fences].map(([, text = '']) => text.replaceAll('15432', String(shop.port)));
}

/** What each block prints, in the page's order. */
async function check(printed: readonly string[], expected: readonly RegExp[]): Promise<void> {
  assert.is(printed.length, expected.length);
  for (const [at, text] of printed.entries()) assert.match(text, expected[at]!);
}

test('the commands of psql run', async () => {
  const printed: string[] = [];
  for (const line of blocks('sh').flatMap((text) => text.trim().split('\n')))
    printed.push(await shop.run('bash', ['-c', line]));
  await check(printed, [/main +\| products +\| table/, /Bamboo brush\n Solar lamp\n\(2 rows\)/]);
});

test('the programs in Python run', async () => {
  const printed: string[] = [];
  for (const text of blocks('python'))
    printed.push(await shop.run('/usr/bin/python3', ['-W', 'ignore', '-c', text]));
  await check(printed, [
    /^3 39\.90 dear\n4 899\.00 dear\n5 7\.00 cheap\n$/,
    /'products'[\s\S]*\[\('Bamboo brush',\), \('Solar lamp',\)\]/,
    /Solar lamp .* True\n[\s\S]*Gold watch .* False/,
  ]);
});

test('the program in JavaScript runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-connect-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--silent'];
    await promisify(execFile)('npm', ['install', ...quiet, 'pg'], { cwd: folder });
    const printed: string[] = [];
    for (const [at, text] of blocks('js').entries()) {
      writeFileSync(join(folder, `block-${at}.mjs`), text);
      printed.push(await shop.run(process.execPath, [join(folder, `block-${at}.mjs`)]));
    }
    await check(printed, [/\{ name: 'Bamboo brush' \}, \{ name: 'Solar lamp' \}/]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
