// Builds dist/: tsc checks and compiles every file, for the tests and benchmarks; esbuild bundles what the package holds.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(compiler)) {
  console.error('rvbbit: what builds dist/ is not installed: run `npm ci`');
  process.exit(1);
}
if (process.argv.includes('--clean')) rmSync(`${root}dist`, { recursive: true, force: true });
run(compiler, '-p', root);
const { bundlePackage, bundlePackages } = await import('./bundle.mjs');
const held = await bundlePackages(root);
// The built-in operators are YAML: their files go along, and what they say is read and checked once, here.
rmSync(`${root}dist/operators`, { recursive: true, force: true });
cpSync(`${root}src/operators/built-in`, `${root}dist/operators/built-in`, { recursive: true });
run(`${root}dist/src/operators/write-built-in.js`);
cpSync(`${root}src/server/sql/catalogue/relations.json`, `${root}dist/catalogue/relations.json`);
await bundlePackage(root, held);
const { writeTypes } = await import('./types.mjs');
await writeTypes(root);
