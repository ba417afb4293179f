// Imports run one way: a file imports only from its own folder and from folders that stand before it in this list.
// Type imports and dynamic imports count like all others. No two files import each other, by whatever way.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** All folders, from the grammar to the command line. `contracts` are the files of src/ that every folder may read. */
const ORDER = [
  'grammar',
  'contracts',
  'src/util',
  'src/sim',
  'src/cascade',
  'src/duck',
  'src/model',
  'src/journal',
  'src/jobs',
  'src/values',
  'src/receipts',
  'src/operators',
  'src/plan',
  'src/run',
  'src/calls',
  'workers',
  'src/execute',
  'src/semantic',
  'src/explain',
  'src/report',
  'src/deliver',
  'src/statement',
  'src',
  'src/server',
  'src/collect',
  'src/cli',
  'bench',
  'test',
];
const CONTRACTS = new Set([
  'src/error-codes.ts',
  'src/errors.ts',
  'src/limits.ts',
  'src/result.ts',
]);
/** The simulated model server is told nothing by the engine that it tests. */
const ALONE = new Set(['src/sim']);

const files = ['grammar', 'src', 'workers', 'bench', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.c?ts$/.test(name))
    .map((name) => `${folder}/${name}`),
);
const known = new Set(files);
const imports = new Map();
const problems = new Set();

function folderOf(file) {
  if (CONTRACTS.has(file)) return 'contracts';
  const [top, second, ...rest] = file.split('/');
  return top === 'src' && rest.length > 0 ? `src/${second}` : top;
}

function sourceOf(file, specifier) {
  const path = normalize(join(dirname(file), specifier));
  return path.replace(/\.js$/, '.ts').replace(/\.cjs$/, '.cts');
}

for (const file of files) {
  const from = folderOf(file);
  if (!ORDER.includes(from)) problems.add(`${file}: the folder ${from} has no place in the order`);
  const targets = [];
  const text = readFileSync(file, 'utf8');
  for (const [, specifier] of text.matchAll(/(?:\bfrom\s+|\bimport\(\s*|^import\s+)'([^']+)'/gm)) {
    if (!specifier.startsWith('.')) {
      if (from === 'grammar' && !specifier.startsWith('chevrotain')) {
        problems.add(`${file}: the grammar is pure, but imports ${specifier}`);
      }
      continue;
    }
    const target = sourceOf(file, specifier);
    // Tests and benchmarks also write import statements into texts.
    if (!known.has(target)) {
      if (from !== 'test' && from !== 'bench') {
        problems.add(`${file}: imports ${target}, which does not exist`);
      }
      continue;
    }
    targets.push(target);
    const to = folderOf(target);
    if (from !== to && (ORDER.indexOf(to) > ORDER.indexOf(from) || ALONE.has(from))) {
      problems.add(`${file}: ${from} may not import ${to} (${specifier})`);
    }
  }
  imports.set(file, targets);
}

const done = new Set();
function walk(file, path) {
  if (done.has(file)) return;
  if (path.includes(file)) {
    problems.add(`circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    return;
  }
  for (const target of imports.get(file) ?? []) walk(target, [...path, file]);
  done.add(file);
}
for (const file of files) walk(file, []);

for (const problem of problems) console.error(problem);
if (problems.size === 0) console.log(`imports: ${files.length} files, one way`);
process.exit(problems.size === 0 ? 0 : 1);
