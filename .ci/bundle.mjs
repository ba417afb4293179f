// Bundles the package's code into dist/bundle: a file for each entry point, files that they share, and the worker's.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

const ENTRIES = {
  index: 'src/index.ts',
  grammar: 'grammar/index.ts',
  testing: 'src/testing.ts',
  telemetry: 'src/telemetry.ts',
  rvbbit: 'src/cli/main.ts',
  // The simulated model server, which is a process of its own.
  process: 'src/sim/process.ts',
  // What a worker thread runs.
  worker: 'workers/entry.ts',
};
const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Not the names: errors show them, and the realm of cells is made from the text of functions.
  minifyWhitespace: true,
  minifySyntax: true,
  // An error that nobody catches prints the line that threw it.
  lineLimit: 120,
  // Their texts are in LICENSES.txt.
  legalComments: 'none',
  metafile: true,
  // Without "strict": esbuild would write a "use strict" for each file, and modules are strict anyway.
  tsconfigRaw: { compilerOptions: { target: 'es2022', verbatimModuleSyntax: true } },
  // The names of modules in the files are the same where node_modules is a link.
  preserveSymlinks: true,
  logLevel: 'warning',
  charset: 'utf8',
  // So that a debugger shows the sources: `node .ci/build.mjs --debug`.
  sourcemap: process.argv.includes('--debug') ? 'inline' : false,
};
/** Modules that only hand on a large package: it is bundled into their place in dist, for tests and the package alike. */
const PACKAGES = ['grammar/chevrotain.ts', 'src/report/plot.ts'];

/**
 * Packages that are bundled: what is used of them loads several times faster from one file, and an application that
 * installs this package gets fewer others. All others are loaded when they are used.
 */
const WITHIN = new Set([
  ...['ajv/dist/2020.js', 'ajv/dist/runtime/equal'],
  ...['eventsource-parser', 'lru-cache', 'stemmer', 'yaml', 'zod'],
]);

/** Files of bundled packages that hold nothing that is used, and a file of ours: what takes their place. */
const REPLACED = {
  'zod/v4/locales/index.js': "export { default as en } from './en.js';",
  'zod/v4/classic/from-json-schema.js': noExports(['fromJSONSchema']),
  'zod/v4/core/compile.js': noExports([
    'INVALID',
    'ZodCompileAsyncError',
    'ZodCompileUnsupportedError',
    'compile',
    'withParser',
  ]),
  'src/cascade/meta-schema.ts': compiledMetaSchema(),
};

/** A module whose exports are undefined. */
function noExports(names) {
  return names.map((name) => `export const ${name} = undefined;`).join('\n');
}

/** Parts of packages, where the package's own entry loads much that is not used: undici's takes 110 ms more. */
const PARTS = {
  undici: `
    export const Client = requirePackage('undici/lib/dispatcher/client.js');
    export const Pool = requirePackage('undici/lib/dispatcher/pool.js');
    export const buildConnector = requirePackage('undici/lib/core/connect.js');`,
};

/**
 * How modules that are loaded on demand are put together, by the first pattern that fits. A file for each, and more for
 * what they share, would be 200 files, which take longer to load than one large file. `start` is loaded with its entry
 * point, `cascades` by the first statement with a cascade, `semantic` by the first query with an
 * operator, `server` by the Postgres server, `others` by everything else,
 * `alone` is in a file of its own.
 */
const GROUPS = [
  [
    'start',
    /^(grammar\/parse-on-demand|src\/engine|src\/cli\/commands\/query|src\/cli\/format\/\w+|src\/util\/\w+)\.ts$/,
  ],
  ['alone', /^(grammar\/parse|src\/model\/undici|src\/report\/plot)\.ts$/],
  [
    'cascades',
    /^src\/(cascade|duck|execute|jobs|journal|model|plan|receipts|values)\/|^src\/statement\/(cascade|jobs|parallel-grounds)\.ts$/,
  ],
  ['semantic', /^src\/(semantic|operators)\/|^src\/statement\/(semantic|plain-or-semantic)\.ts$/],
  ['server', /^src\/server\/|^src\/cli\/commands\/serve\.ts$/],
  ['others', /./],
];
/** A package that is loaded within a function. If it is bundled, its file runs there. */
const ON_USE = /\brequirePackage\('([^']+)'\)/g;
const ON_DEMAND = /\bawait import\(\s*'(\.[^']+)'\s*\)/g;

/**
 * Bundles what PACKAGES hand on, each into one file that takes the place of the compiled module. Chevrotain's own entry
 * loads 600 files, which takes 450 ms, and its bundle is not among its exports. Gives the names of the packages that the
 * files hold.
 */
export async function bundlePackages(root) {
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: PACKAGES,
    outdir: 'dist',
    outbase: '.',
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    minify: true,
  });
  return packagesIn(metafile);
}

/** What the package's exports name, the command line, and what a worker thread loads. `held` is of bundlePackages. */
export async function bundlePackage(root, held) {
  rmSync(`${root}dist/bundle`, { recursive: true, force: true });
  const { metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: 'dist/bundle',
    chunkNames: '[name]-[hash]',
    format: 'esm',
    splitting: true,
    plugins: [replacedFiles(), modulesInGroups(root), bundledPackages(root), packagesOnUse(root)],
  });
  await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['workers/start.cts'],
    outfile: 'dist/bundle/worker.cjs',
    format: 'cjs',
    plugins: [entryBeside()],
  });
  const nodeApi = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['@duckdb/node-api'],
    external: ['@duckdb/node-bindings'],
    outfile: 'dist/bundle/node-api.cjs',
    format: 'cjs',
    minify: true,
  });
  const byText = new Map();
  const bundled = [...packagesIn(metafile), ...packagesIn(nodeApi.metafile)];
  for (const name of new Set([...held, ...bundled])) {
    const text = licenseOf(`${root}node_modules/${name}/`);
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const parts = [...byText].map(([text, names]) => `${names.sort().join(', ')}\n\n${text}`);
  writeFileSync(`${root}dist/bundle/LICENSES.txt`, parts.sort().join(`\n${'-'.repeat(80)}\n`));
}

function packagesIn({ inputs }) {
  const names = Object.keys(inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  );
  return new Set(names.filter((name) => name !== undefined));
}

/** Of a package without a text of its own, what its package.json says. */
function licenseOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file !== undefined) return readFileSync(folder + file, 'utf8');
  return JSON.parse(readFileSync(`${folder}package.json`, 'utf8')).license;
}

/** Rewrites `await import('…')` of the package's own modules by GROUPS. */
function modulesInGroups(root) {
  const nameOf = (importer, target) => relative(root, resolve(dirname(importer), target));
  const groupOf = (name) => GROUPS.find(([, names]) => names.test(name))[0];
  const members = new Map(GROUPS.map(([group]) => [group, new Set()]));
  for (const file of readdirSync(`${root}src`, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const path = `${root}src/${file}`;
    for (const [, target] of readFileSync(path, 'utf8').matchAll(ON_DEMAND)) {
      const name = nameOf(path, target);
      members.get(groupOf(name)).add(name);
    }
  }
  return {
    name: 'modules-in-groups',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!/^(grammar|src)\//.test(relative(root, path))) return;
        const source = readFileSync(path, 'utf8').replace(ON_USE, (text, name) =>
          WITHIN.has(name) ? `require('${name}')` : text,
        );
        const contents = source.replace(ON_DEMAND, (text, target) => {
          const name = nameOf(path, target);
          const group = groupOf(name);
          if (group === 'alone') return text;
          if (group === 'start') return `await require('${target}')`;
          return `(await import('group:${group}')).modules['${name}']()`;
        });
        return { contents, loader: 'ts' };
      });
      build.onResolve({ filter: /^group:/ }, ({ path }) => ({
        path: path.replace('group:', ''),
        namespace: 'group',
      }));
      build.onLoad({ filter: /^/, namespace: 'group' }, ({ path }) => {
        const names = [...members.get(path)];
        const modules = names.map((name) => `'${name}': () => require('./${name}')`);
        return { contents: `export const modules = { ${modules.join()} };`, resolveDir: root };
      });
    },
  };
}

/** Takes the files that bundlePackages wrote. */
function bundledPackages(root) {
  return {
    name: 'bundled-packages',
    setup(build) {
      build.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => {
        const name = relative(root, resolve(resolveDir, path));
        if (PACKAGES.includes(name)) return { path: `${root}dist/${name.replace(/ts$/, 'js')}` };
      });
    },
  };
}

/** Puts what REPLACED says in the place of files, and globals in the place of Node's modules of their name. */
function replacedFiles() {
  return {
    name: 'replaced-files',
    setup(build) {
      build.onResolve({ filter: /^(process|buffer)$/ }, ({ path }) => ({
        path,
        namespace: 'global',
      }));
      build.onLoad({ filter: /^/, namespace: 'global' }, ({ path }) => ({
        contents: `module.exports = globalThis${path === 'process' ? '.process' : ''};`,
      }));
      const names = Object.keys(REPLACED);
      const filter = new RegExp(`/(?:${names.join('|').replaceAll('.', '\\.')})$`);
      build.onLoad({ filter }, ({ path }) => ({
        contents: REPLACED[names.find((name) => path.endsWith(name))],
        resolveDir: dirname(path),
      }));
    },
  };
}

/** src/cascade/meta-schema.ts with the schema compiled. */
function compiledMetaSchema() {
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    code: { source: true, esm: true },
  });
  const draft = 'https://json-schema.org/draft/2020-12/schema';
  return `${standalone.default(ajv, ajv.getSchema(draft))};
    export const DRAFT = '${draft}';
    export const compiledMetaSchema = () => validate;`;
}

/** The file that a worker thread starts with imports what it runs. */
function entryBeside() {
  return {
    name: 'entry-beside',
    setup(build) {
      build.onResolve({ filter: /\/entry\.ts$/ }, () => ({ path: './worker.js', external: true }));
    },
  };
}

/** Turns imports of packages into calls of `requirePackage`, made when the importing module runs. */
function packagesOnUse(root) {
  return {
    name: 'packages-on-use',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point' || path.startsWith('group:') || WITHIN.has(path)) return;
        // What a bundled package imports is bundled with it.
        if (importer.includes('/node_modules/')) return;
        if (path.startsWith('node:') || kind !== 'import-statement')
          return { path, external: true };
        return { path, namespace: 'package', sideEffects: false };
      });
      build.onLoad({ filter: /^/, namespace: 'package' }, ({ path }) => ({
        contents: `
          import { requirePackage } from './src/util/require-package.ts';
          ${PARTS[path] ?? `module.exports = requirePackage('${path}');`}`,
        resolveDir: root,
      }));
    },
  };
}
