/** The installed tarball, as the first reader of the README meets it: its commands, its files, its errors. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type InstalledApp, installApp } from './installed-app.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);
/** What an application gets with the package, the package itself included. */
const MOST_PACKAGES = 25;

let app: InstalledApp;
let readme = '';
test.before(async () => {
  app = await installApp();
  readme = readFileSync(join(app.folder, 'node_modules/rvbbit/README.md'), 'utf8');
});
test.after(() => app.remove());

function blocks(language: string): string[] {
  const fences = readme.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'));
  return [...fences].map((match) => match[1]!);
}

/** Runs a line in a shell. `npx` finds the package in the folder, and may not look anywhere else. */
async function shell(line: string): Promise<string> {
  const env = { ...process.env, npm_config_offline: 'true' };
  return (await exec('bash', ['-c', line], { cwd: app.folder, env })).stdout;
}

test('every command, statement and example of the README runs in an empty folder', async () => {
  const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
  const [init, ...queries] = lines.filter((line) => line.startsWith('npx rvbbit'));
  assert.is(init, 'npx rvbbit init --examples');
  assert.is(await shell(init!), 'rvbbit -f examples/quickstart.sql\n');
  for (const line of queries) assert.is((await shell(line)).trim().split('\n').length, 4, line);
  assert.equal(
    lines.filter((line) => !line.startsWith('npx rvbbit')),
    ['npm ci && npm start', 'npm run bench'],
    'what is left runs in a clone',
  );
  for (const [index, sql] of blocks('sql').entries()) {
    const rvbbit = ['node_modules/.bin/rvbbit', '-q', '-c', sql, '--format', 'json'];
    const rows = JSON.parse((await app.node(...rvbbit)).stdout) as unknown[];
    assert.ok(index === 0 ? rows.length === 200 : rows.length > 10, sql);
  }
  for (const [index, block] of blocks('js').entries()) {
    app.write(`example-${index}.mjs`, block);
    const { stdout } = await app.node(`example-${index}.mjs`);
    assert.match(stdout, index === 0 ? /^5 5\n$/ : /^RVBBIT MAP PARALLEL 5(.*\n)*PARALLEL\n$/);
  }
  const words = [...readme.matchAll(/`npx (rvbbit [^`]+)`/g)].map((match) => match[1]!);
  assert.ok(words.includes('rvbbit cost') && words.includes('rvbbit serve sql'));
  for (const command of words) {
    const [, ...args] = command.split(' ');
    // A server runs until it is stopped: test/sim/process.test.ts and test/clients.
    if (args[0] === 'sim' || args[0] === 'serve') args.push('--help');
    await app.node('node_modules/.bin/rvbbit', ...args);
  }
  const { stdout } = await app.node('examples/demo.mjs');
  assert.match(stdout, 'Try next:');
  const cases = queries.length + blocks('sql').length + blocks('js').length + words.length;
  console.log(`cases: ${cases} commands, statements and examples of the README`);
});

test('every file of the package that its README, its pages or its messages name is in it', () => {
  const paths = new Set(app.files.map(({ path }) => path));
  const bundle = join(app.folder, 'node_modules/rvbbit/dist/bundle');
  const code = readdirSync(bundle).map((name) => readFileSync(join(bundle, name), 'utf8'));
  const named = [
    ...readme.matchAll(/\]\(([\w./-]+\.\w+)[)#]/g),
    ...code.join('\n').matchAll(/\b(docs\/[a-z-]+\.md)\b/g),
  ].map((match) => match[1]!);
  assert.ok(named.includes('docs/models.md') && named.includes('SECURITY.md'));
  // The recipes for those who change the code are in the repository.
  for (const path of new Set([...named, 'CHANGELOG.md'])) {
    assert.ok(paths.has(path) || path === 'CONTRIBUTING.md', path);
  }
});

test('an error that nobody catches fits on a screen, and its stack names functions', async () => {
  app.write(
    'uncaught.mjs',
    "import { Engine } from 'rvbbit';\nawait Engine.open({ cascades: 'nowhere' });\n",
  );
  const stderr = await app.node('uncaught.mjs').then(
    () => '',
    (thrown: { readonly stderr: string }) => thrown.stderr,
  );
  const [before, after] = stderr.split('RvbbitError: there is no folder');
  assert.ok(before!.length <= 1_000, `${before!.length} characters before the message`);
  assert.match(after!, /^ +at async \S*Engine\.open \(\S+\/rvbbit\/dist\/bundle\/\S+:\d+:\d+\)$/m);
  const bundle = join(app.folder, 'node_modules/rvbbit/dist/bundle');
  for (const name of readdirSync(bundle).filter((file) => /\.c?js$/.test(file))) {
    const lines = readFileSync(join(bundle, name), 'utf8').split('\n');
    assert.ok(Math.max(...lines.map(({ length }) => length)) <= 900, name);
  }
});

test(`an application that installs it gets at most ${MOST_PACKAGES} packages`, () => {
  const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const fits = (list: readonly string[] | undefined, own: string) =>
    list === undefined || list.includes(own);
  const installed = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional, os, cpu, libc }]) =>
      path !== '' &&
      !dev &&
      !devOptional &&
      fits(os, 'linux') &&
      fits(cpu, 'x64') &&
      fits(libc, 'glibc'),
  );
  assert.ok(installed.some(([path]) => path === 'node_modules/@duckdb/node-bindings-linux-x64'));
  const names = installed.map(([path]) => path.replace('node_modules/', ''));
  assert.ok(names.length + 1 <= MOST_PACKAGES, names.join(' '));
});

/** A package of the lockfile. */
interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

test.run();
