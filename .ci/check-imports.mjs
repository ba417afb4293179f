// Imports run one way: grammar ← src ← cli; workers import contracts, never src/execute; no circle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

// For each area, the areas and packages that its files may import besides their own.
const ALLOWED = {
  grammar: ['pkg:chevrotain'],
  'src/cascade': ['grammar', 'src'],
  'src/operators': ['grammar', 'src', 'src/cascade'],
  'src/duck': ['src'],
  'src/journal': ['grammar', 'src', 'src/duck', 'src/model:types'],
  'src/model': ['grammar', 'src', 'src/cascade'],
  'src/bind': [
    'grammar',
    'src',
    'src/cascade',
    'src/duck',
    'src/plan',
    'src/model',
    'src/execute:types',
  ],
  'src/plan': ['grammar', 'src', 'src/bind', 'src/model:types'],
  'src/execute': [
    'grammar',
    'src',
    'src/bind',
    'src/cascade',
    'src/duck',
    'src/journal',
    'src/model',
    'src/plan',
    'workers',
  ],
  'src/semantic': [
    'grammar',
    'src',
    'src/bind',
    'src/cascade',
    'src/duck',
    'src/execute',
    'src/model',
    'src/operators',
    'src/plan',
    'workers',
  ],
  'src/explain': [
    'grammar',
    'src',
    'src/cascade',
    'src/duck',
    'src/execute',
    'src/journal',
    'src/model',
    'src/operators',
    'src/plan',
    'src/semantic',
    'workers',
  ],
  'src/deliver': ['grammar', 'src', 'src/duck', 'src/execute', 'src/explain', 'src/plan'],
  src: ['grammar', 'workers', 'src/*'],
  'src/cli': ['grammar', 'workers', 'src', 'src/*'],
  workers: ['src', 'src/cascade', 'src/model'],
  bench: ['*'],
  test: ['*'],
};
// Only these files in src/ itself may reach into the folders below it.
const TOP = new Set([
  'src/engine.ts',
  'src/run-statement.ts',
  'src/run-cascade-statement.ts',
  'src/run-semantic-statement.ts',
  'src/statement-context.ts',
  'src/scope.ts',
  'src/index.ts',
  'src/testing.ts',
  'src/grammar.ts',
  'src/options.ts',
]);

const files = ['grammar', 'src', 'workers', 'bench', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
const known = new Set(files);
const graph = new Map();
const problems = [];

function areaOf(file) {
  const [top, second, ...rest] = file.split('/');
  return top === 'src' && rest.length > 0 ? `src/${second}` : top;
}

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const targets = [];
  for (const match of text.matchAll(
    /^(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm,
  )) {
    const typeOnly = match[2] !== undefined;
    const specifier = match[3];
    if (!specifier.startsWith('.')) {
      if (areaOf(file) === 'grammar' && !specifier.startsWith('chevrotain')) {
        problems.push(`${file}: the grammar is pure, but imports ${specifier}`);
      }
      continue;
    }
    const target = normalize(join(dirname(file), specifier));
    if (!known.has(target)) problems.push(`${file}: imports ${target}, which does not exist`);
    if (!typeOnly) targets.push(target);
    const from = areaOf(file);
    const to = areaOf(target);
    const allowed = ALLOWED[from] ?? [];
    const isContract = to === 'src' && !TOP.has(target);
    const ok =
      from === to ||
      allowed.includes('*') ||
      (to === 'src'
        ? allowed.includes('src') && (isContract || from === 'src/cli' || typeOnly)
        : false) ||
      (allowed.includes(to) && to !== 'src') ||
      (typeOnly && allowed.includes(`${to}:types`)) ||
      (to.startsWith('src/') &&
        allowed.includes('src/*') &&
        (from !== 'src' || TOP.has(file) || typeOnly));
    if (!ok) problems.push(`${file}: ${from} may not import ${to} (${specifier})`);
  }
  graph.set(file, targets);
}

const state = new Map();
function walk(file, path) {
  if (state.get(file) === 'done') return;
  if (path.includes(file)) {
    problems.push(`circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    return;
  }
  for (const target of graph.get(file) ?? []) walk(target, [...path, file]);
  state.set(file, 'done');
}
for (const file of files) walk(file, []);

for (const problem of new Set(problems)) console.error(problem);
if (problems.length === 0) console.log(`imports: ${files.length} files, one way`);
process.exit(problems.length === 0 ? 0 : 1);
