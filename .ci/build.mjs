// Builds dist/: tsc checks and compiles every file, esbuild bundles what has to start fast. Runs as npm's `prepare`
// too: an install without devDependencies keeps the dist/ that is there.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

/**
 * One file each, with all that it uses. The library is not bundled: callers hand it objects of their own
 * @duckdb/node-api.
 */
const BUNDLES = [
  { source: 'src/cli/main.ts', target: 'rvbbit.js', format: 'esm' },
  { source: 'workers/start.cts', target: 'worker.cjs', format: 'cjs', apart: /\/undici\.ts$/ },
  // The simulated model server, which is a process of its own.
  { source: 'src/sim/process.ts', target: 'process.js', format: 'esm' },
  // Most of a worker's code, and loaded by those alone that ask a model.
  { source: 'src/model/undici.ts', target: 'undici.cjs', format: 'cjs' },
];
/** Left out: what is native or optional, what looks for files of its own beside it, and chevrotain, which ships a bundle. */
const EXTERNAL = [
  '@observablehq/plot',
  'linkedom',
  '@duckdb/node-bindings*',
  '@pydantic/genai-prices',
  'chevrotain',
  'minijinja-js',
  'piscina',
];
/** Gives code of the one module format what it knows from the other. */
const FORMATS = {
  esm: {
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
  },
  cjs: {
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': 'bundleUrl' },
  },
};

async function bundle({ source, target, format, apart }) {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: `dist/bundle/${target}`,
    bundle: true,
    format,
    ...FORMATS[format],
    platform: 'node',
    target: 'node20.19',
    // Not the names: errors show them, and the realm of cells is made from the text of functions.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'eof',
    logLevel: 'warning',
    external: EXTERNAL,
    plugins: apart === undefined ? [] : [bundledApart(apart)],
  });
}

/** Imports of the file go to its own bundle. */
function bundledApart(filter) {
  return {
    name: 'bundled-apart',
    setup(build) {
      build.onResolve({ filter }, ({ path }) => ({
        path: path.replace(/^.*\/(.*)\.ts$/, './$1.cjs'),
        external: true,
      }));
    },
  };
}

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (existsSync(compiler)) {
  if (process.argv.includes('--clean')) rmSync(`${root}dist`, { recursive: true, force: true });
  run(compiler, '-p', root);
  // The built-in operators are YAML: their files go along, and what they say is read and checked once, here.
  const operators = `${root}dist/src/operators`;
  rmSync(`${operators}/built-in`, { recursive: true, force: true });
  cpSync(`${root}src/operators/built-in`, `${operators}/built-in`, { recursive: true });
  run(`${operators}/write-built-in.js`);
  await Promise.all(BUNDLES.map(bundle));
  chmodSync(`${root}dist/bundle/rvbbit.js`, 0o755);
} else if (!existsSync(`${root}dist/bundle/rvbbit.js`)) {
  console.error('rvbbit: dist/ is missing, and what builds it are devDependencies: run `npm ci`');
  process.exit(1);
}
