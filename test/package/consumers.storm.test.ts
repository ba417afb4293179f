/** The package as others have it: its tarball, installed into an application that is ESM, CommonJS, TypeScript or bundled. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BODY, type InstalledApp, installApp } from './installed-app.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);

const ESM = `import { Engine } from 'rvbbit';\nimport { parse } from 'rvbbit/grammar';\n${BODY}`;
const CJS = `const { Engine } = require('rvbbit');\nconst { parse } = require('rvbbit/grammar');\n${BODY}`;

let app: InstalledApp;
test.before(async () => {
  app = await installApp();
});
test.after(() => app.remove());

test('the tarball holds code, types and data within 4 MB: no sources, no maps, no tests', () => {
  assert.ok(app.unpackedSize <= 4_000_000, `${app.unpackedSize} bytes`);
  const paths = app.files.map(({ path }) => path);
  assert.ok(paths.length < 200, `${paths.length} files`);
  assert.equal(
    paths.filter((path) => /\.map$|^src\/|^test\/|^\.ci\/|^dist\/(src|test|bench)\//.test(path)),
    [],
  );
  const { scripts } = JSON.parse(
    readFileSync(join(app.folder, 'node_modules/rvbbit/package.json'), 'utf8'),
  ) as { scripts: Record<string, string> };
  for (const script of ['prepare', 'preinstall', 'install', 'postinstall']) {
    assert.not(script in scripts, script);
  }
});

test('an ES module and a CommonJS module import the engine and the grammar', async () => {
  app.write('esm.mjs', ESM);
  app.write('cjs.cjs', CJS);
  for (const file of ['esm.mjs', 'cjs.cjs']) {
    const { stdout, stderr } = await app.node(file);
    assert.is(stdout, '42 Map\n', file);
    assert.is(stderr, '', file);
  }
});

test('the command line runs a MAP, and init makes a working folder', async () => {
  const rvbbit = 'node_modules/.bin/rvbbit';
  const sql = "RVBBIT MAP 'cascades/twice.yaml' AS twice USING (SELECT 21 AS n)";
  const { stdout } = await app.node(rvbbit, '-q', '--no-state', '-c', sql, '--format', 'csv');
  assert.is(stdout, 'n,twice\n21,42\n');
  await app.node(rvbbit, 'init', 'made');
  assert.match(readFileSync(join(app.folder, 'made/products.csv'), 'utf8'), /^id,/);
  const { stdout: ops } = await app.node(rvbbit, 'ops', 'show', 'MEANS');
  assert.match(ops, /MEANS/);
});

for (const format of ['esm', 'cjs'] as const) {
  test(`a bundle in ${format} that leaves the package out runs`, async () => {
    const bundle = await bundled(`apart-${format}`, format, { external: ['rvbbit'] });
    assert.is((await app.node(bundle)).stdout, '42 Map\n');
  });

  test(`a bundle in ${format} that holds the package runs where it is installed as well`, async () => {
    const bundle = await bundled(`within-${format}`, format, { external: [] });
    assert.is((await app.node(bundle)).stdout, '42 Map\n');
    const elsewhere = mkdtempSync(join(tmpdir(), 'rvbbit-moved-'));
    try {
      const moved = join(elsewhere, format === 'esm' ? 'app.mjs' : 'app.cjs');
      copyFileSync(bundle, moved);
      const said = await exec(process.execPath, [moved], { cwd: app.folder }).catch(
        (error: { readonly stdout: string }) => error,
      );
      assert.match(said.stdout, /^RVB_INSTALL .*app\.[mc]js.*docs\/bundling\.md/);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
}

for (const format of ['esm', 'cjs', 'iife'] as const) {
  test(`the grammar is bundled as ${format}, for browsers`, async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents:
          "import { parse } from 'rvbbit/grammar'; globalThis.kind = parse(\"RVBBIT MAP 'x' USING (SELECT 1)\").statements[0].kind;",
        resolveDir: app.folder,
      },
      bundle: true,
      write: false,
      format,
      platform: 'browser',
      metafile: true,
      logLevel: 'silent',
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    assert.equal(imports, []);
    if (format === 'esm') return;
    const context = vm.createContext({});
    vm.runInContext(outputFiles[0]!.text, context);
    assert.is((context as { kind?: string }).kind, 'Map');
  });
}

test('its declarations compile in strict applications of every kind of module', async () => {
  const use = `
    const engine: Engine = await Engine.open({ threads: 1 });
    const { rows } = await engine.query<{ id: number; brand: string }>('SELECT 1 AS id');
    const ids: number[] = rows.map(({ id }) => id);
    for await (const trial of checkCascade(engine, 'x')) console.log(trial.passed, ids);
    const kinds: string[] = parse('').statements.map(({ kind }) => kind);
    traceEngine(engine);
    console.log(kinds, startSimulator);`;
  const imports = `
    import { Engine } from 'rvbbit';
    import { parse } from 'rvbbit/grammar';
    import { checkCascade, startSimulator } from 'rvbbit/testing';
    import { traceEngine } from 'rvbbit/telemetry';`;
  app.write('types/esm.mts', imports + use);
  app.write('types/cjs.cts', `${imports}\nexport async function main() {${use}\n}`);
  app.write('types/bundled.ts', `${imports}\nexport async function main() {${use}\n}`);
  const settings = {
    strict: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const check = async (name: string, files: readonly string[], more: object) => {
    const compilerOptions = { ...settings, ...more };
    const project = app.write(`types/${name}.json`, JSON.stringify({ compilerOptions, files }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await exec(process.execPath, [tsc, '-p', project]).catch(({ stdout }) =>
      assert.unreachable(stdout),
    );
  };
  await check('nodenext', ['esm.mts', 'cjs.cts'], { module: 'nodenext' });
  await check('bundler', ['bundled.ts'], { module: 'esnext', moduleResolution: 'bundler' });
});

async function bundled(
  name: string,
  format: 'esm' | 'cjs',
  { external }: { readonly external: readonly string[] },
): Promise<string> {
  const outfile = join(app.folder, 'dist', `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`);
  await build({
    entryPoints: [app.write(`${name}.mjs`, ESM)],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    external: [...external],
    logLevel: 'error',
  });
  return outfile;
}

test.run();
