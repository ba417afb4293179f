/** The working folder that the pages of the documentation have in mind: the files and tables that their examples name. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Simulator } from '../../src/testing.ts';
import { rvbbitHere } from '../cli/here.ts';

type Put = (file: string, text: string) => void;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const exec = promisify(execFile);

/** A folder that is copied for each page, and what the names of the pages stand for in it. */
export interface DocsFolder {
  readonly env: Readonly<Record<string, string>>;
  /** A statement that its budget has stopped, and one with the parameter `brand`. */
  readonly stopped: string;
  readonly stoppedWithParameter: string;
  /** The key of a stored answer. */
  readonly key: string;
  /** A new copy of it. */
  copy(): string;
}

interface Stopped {
  readonly session: string;
  readonly parameters: boolean;
}

const js = (code: string) =>
  `cells:\n  - { name: value, tool: js, inputs: { code: ${JSON.stringify(code)} } }\n`;
const ask = (text: string) =>
  `cells:\n  - { name: ask, instructions: ${JSON.stringify(text)}, temperature: 0 }\n`;
const map = (file: string, query: string, calls: number) =>
  `RVBBIT MAP PARALLEL 2 '${file}' AS brand USING (${query}) WITH (max_calls = ${calls});\n`;

const BAND_CASES = `test_cases:
  - { name: a cheap product, input: { price: 8.49 }, expect: budget }
  - { name: an expensive product, input: { price: 1299 }, expect: premium }
`;

const FILES: Readonly<Record<string, string>> = {
  'products.csv': example('data/products.csv'),
  // The second case is wrong: docs/cli.md shows what `rvbbit test` says of one.
  'cascades/price_band.yaml': example('cascades/price_band.yaml').replace(
    /^test_cases:[\s\S]*/m,
    BAND_CASES,
  ),
  'cascades/ask_brand.yaml': ask('Which brand is {{ input.name }}?'),
  'extract_brand.yaml': example('cascades/extract_brand.yaml').replace(/^test_cases:[\s\S]*/m, ''),
  'read_invoice.yaml': js(`return {
    supplier: input.body, total: '60.00', due: '2026-03-01', lines: [{ item: 'lamp', n: 3 }], address: { city: 'Ghent' },
  };`),
  'read_offer.yaml': js("const [name, price] = input.text.split(' for '); return { name, price };"),
  'score.yaml': js('return input.description.length;'),
  'lib/price.yaml': js('return { gross: input.net * 1.2, note: input.note };'),
  'enrich.yaml': js("return { brand: input.name.split(' ')[0] };"),
  'traits/analyze_batch.yaml': example('cascades/analyze_batch.yaml'),
  'analyze_batch.yaml': example('cascades/analyze_batch.yaml'),
  'short.yaml': ask('Which brand? {{ input.text }}'),
  'long.yaml': ask('Which brand is named in the following text? {{ input.text }}'),
  'labelled.csv':
    'text,criterion,expected,brand\nSony WH-1000XM5,headphones,true,Sony\nSony 55-inch,headphones,false,Sony\n',
  'query.sql': `CREATE OR REPLACE TEMP TABLE dear AS FROM 'products.csv' WHERE price > 500 LIMIT 5;
RVBBIT MAP PARALLEL 2 'cascades/price_band.yaml' AS band USING (FROM dear);
`,
  'brands.sql': map('cascades/ask_brand.yaml', "SELECT name FROM products WHERE name ^@ 'S'", 3),
  'odd.yaml': `cells:
  - { name: a, tool: js, inputs: { code:
      "if (input.n % 2 === 0) throw new Error('odd'); return 1" } }
`,
  // Pictures are known by their first bytes.
  'photos/lamp.jpg': '\u{ff}\u{d8}\u{ff}\u{e0}\0\u{10}JFIF',
  'app.js': `import { Engine } from 'rvbbit';
import { parse } from 'rvbbit/grammar';
const engine = await Engine.open({ threads: 1 });
const { rows } = await engine.query("RVBBIT MAP 'enrich.yaml' AS v USING (SELECT 'Sony A1' AS name)");
console.log(rows[0].v, parse("RVBBIT MAP 'x' USING (SELECT 1)").statements.length);
await engine.close();
`,
  'editor.js': `import { parse } from 'rvbbit/grammar';
console.log(parse("RVBBIT MAP 'x' USING (SELECT 1)").statements.length);
`,
};

const TABLES = `
CREATE TABLE products AS FROM 'products.csv' ORDER BY id LIMIT 30;
CREATE TABLE new_products AS FROM products LIMIT 3;
CREATE TABLE invoices AS SELECT 'Lamps Ltd' AS body;
CREATE TABLE offers AS SELECT 'lamp for 19.90' AS text;
CREATE TABLE stock AS SELECT 'lamp' AS name, 5 AS stock;
`;

function example(path: string): string {
  return readFileSync(`${root}examples/${path}`, 'utf8');
}

/** Makes the folder, with a journal that holds answers, a Parquet file of older records, and two stopped statements. */
export async function makeDocsFolder(simulator: Simulator, faults: string): Promise<DocsFolder> {
  const home = mkdtempSync(join(tmpdir(), 'rvbbit-docs-'));
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  const path = join(home, 'prepared');
  const put = (file: string, text: string, encoding: BufferEncoding = 'utf8') => {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    writeFileSync(join(home, file), text, encoding);
  };
  for (const [file, text] of Object.entries(FILES))
    put(`prepared/${file}`, text, file.endsWith('.jpg') ? 'latin1' : 'utf8');
  put('prepared/faults.yaml', faults);
  // As npm installs it: this package, and those that it declares.
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(root, join(path, 'node_modules/rvbbit'));
  const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  for (const name of Object.keys(dependencies)) {
    mkdirSync(join(path, 'node_modules', dirname(name)), { recursive: true });
    symlinkSync(`${root}node_modules/${name}`, join(path, 'node_modules', name));
  }

  put('bin/rvbbit', `#!/bin/sh\nexec '${process.execPath}' '${root}dist/bundle/rvbbit.js' "$@"\n`);
  put('bin/npx', `#!/bin/sh\nprogram=$1; shift\nexec '${root}node_modules/.bin/'$program "$@"\n`);
  for (const name of ['rvbbit', 'npx']) chmodSync(join(home, 'bin', name), 0o755);
  await makePackage(home, put);

  const env = {
    PATH: `${join(home, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}`,
    HOME: home,
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    OPENAI_BASE_URL: simulator.url,
    OLLAMA_HOST: `127.0.0.1:${simulator.port}`,
    RVBBIT_MODEL: 'openai/gpt-4o-mini',
  };
  const rvbbit = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await rvbbitHere(args, { cwd: path, env });
    // A statement that its budget stops exits with 6.
    if (code !== 0 && code !== 6) throw new Error(stderr);
    return stdout;
  };
  const four = "SELECT name FROM 'products.csv' ORDER BY id LIMIT 4 OFFSET";
  const withBrand = ['--cascades', 'cascades', '--param', 'brand=Sony'];
  const ofBrand = 'SELECT $brand || name AS name FROM products LIMIT 4';
  await rvbbit('shop.duckdb', '-c', TABLES, '-c', map('cascades/ask_brand.yaml', `${four} 100`, 4));
  await rvbbit('journal', 'compact', '--older-than', '0s');
  await rvbbit('-c', map('cascades/ask_brand.yaml', `${four} 200`, 2));
  await rvbbit('shop.duckdb', ...withBrand, '-c', map('ask_brand.yaml', ofBrand, 2));
  const listed: readonly Stopped[] = JSON.parse(
    await rvbbit('resume', '--list', '--format', 'json'),
  );
  const [answer] = JSON.parse(await rvbbit('cache', 'list', '--format', 'json'));
  let copies = 0;
  return {
    env,
    stopped: listed.find(({ parameters }) => !parameters)!.session,
    stoppedWithParameter: listed.find(({ parameters }) => parameters)!.session,
    key: answer.key,
    copy() {
      copies += 1;
      const copy = join(home, `copy-${copies}`);
      cpSync(path, copy, { recursive: true, verbatimSymlinks: true });
      return copy;
    },
  };
}

/** A package.json with its lock, of a package that is a file here, so that `npm ci` needs no network. */
async function makePackage(home: string, put: Put): Promise<void> {
  const exported = { '.': './index.js', './grammar': './grammar.js' };
  const rvbbit = { name: 'rvbbit', version: '1.0.0', type: 'module', exports: exported };
  put('package/package.json', JSON.stringify(rvbbit));
  for (const name of ['index', 'grammar'])
    put(`package/${name}.js`, `export * from '${root}dist/bundle/${name}.js';\n`);
  await exec('tar', ['-czf', 'rvbbit.tgz', 'package'], { cwd: home });
  const app = { name: 'app', dependencies: { rvbbit: '1.0.0' } };
  const installed = { version: '1.0.0', resolved: `file:${home}/rvbbit.tgz` };
  const packages = { '': app, 'node_modules/rvbbit': installed };
  put('prepared/package.json', JSON.stringify({ ...app, type: 'module' }));
  put('prepared/package-lock.json', JSON.stringify({ name: 'app', lockfileVersion: 3, packages }));
}
