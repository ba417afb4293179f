// Builds dist/ with tsc. Runs as npm's `prepare`, so it must also serve an install without
// devDependencies: there an existing dist/ is kept, and a missing one is built by a compiler
// fetched for this one build.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = `${root}dist/src/cli/main.js`;
const compiler = `${root}node_modules/typescript/bin/tsc`;

function run(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

let status = 0;
if (existsSync(compiler)) {
  if (process.argv.includes('--clean')) rmSync(`${root}dist`, { recursive: true, force: true });
  status = run(process.execPath, [compiler, '-p', root]);
} else if (existsSync(`${root}tsconfig.json`) && !existsSync(entry)) {
  const wanted = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).devDependencies;
  const packages = ['typescript', '@types/node'].map((name) => `${name}@${wanted[name]}`);
  console.error(
    `rvbbit: dist/ is missing and typescript is not installed: fetching ${packages[0]} to build it`,
  );
  // Type errors for the test-only packages that are absent are expected here; the emitted code is not affected.
  spawnSync(
    'npm',
    ['exec', '--yes', ...packages.flatMap((name) => ['--package', name]), '--', 'tsc', '-p', root],
    { cwd: root, stdio: 'ignore' },
  );
  if (!existsSync(entry)) {
    console.error(
      'rvbbit: could not build. Run `npm ci` once with devDependencies, then install with --omit=dev',
    );
    status = 1;
  }
}
if (existsSync(entry)) chmodSync(entry, 0o755);
// The built-in operators are YAML: their files go along, and what they say is read and checked once, here.
const operators = `${root}src/operators/built-in`;
if (status === 0 && existsSync(operators)) {
  const target = `${root}dist/src/operators`;
  rmSync(`${target}/built-in`, { recursive: true, force: true });
  cpSync(operators, `${target}/built-in`, { recursive: true });
  status = run(process.execPath, [`${target}/write-built-in.js`]);
}
process.exit(status);
