/**
 * Loads the operators of cascade roots: those in their folders `operators/`, and the built-in ones that they do not
 * replace.
 */
import type { BigIntStats } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCascadeSuffix } from '../cascade/find-cascades.ts';
import { type CascadeRoots, rootsOf } from '../cascade/resolve-path.ts';
import { messageOf, RvbbitError, type SourcePlace } from '../errors.ts';
import { dropOldest } from '../util/drop-oldest.ts';
import { packageFile } from '../util/package-files.ts';
import { type LoadedOperators, mergeOperators } from './merge-operators.ts';
import type { OperatorEntry } from './operator-entry.ts';
import { readSpelling } from './spelling.ts';

/** The most files in the folder `operators/`. */
export const OPERATOR_MAX_FILES = 500;
/** The number of lists of cascade roots whose operators a process keeps. */
const OPERATOR_ROOTS_KEPT = 16;

/** The folder of a cascade root that holds its operators. */
export const OPERATORS_FOLDER = 'operators';

/** The cascade root of the built-in operators: their files are `built-in/*.yaml`. */
export function builtInRoot(): string {
  return fileURLToPath(packageFile('dist/operators/'));
}

/**
 * The file of the built-in operators, which are plain data. The build reads and checks their YAML files, which takes
 * 0.8 s; to read this file takes 4 ms.
 */
export function builtInFile(): URL {
  return packageFile('dist/operators/built-in.json');
}

interface Loaded {
  readonly operators: LoadedOperators;
  /** True if a file names other files: their changes do not change the stamp. */
  readonly mayChange: boolean;
}

interface Kept {
  readonly stamp: string;
  readonly loading: Promise<Loaded>;
}

const kept = new Map<string, Kept>();
let builtIns: Promise<readonly OperatorEntry[]> | undefined;

/**
 * The operators for statements under these cascade roots. The files are read once, and again when one of them changes;
 * if a file names other files, all are read each time. Of files with one name the one under the first root counts.
 *
 * A wrong file is in the registry by its names. Where its operator is used, RVB_CASCADE_INVALID is thrown with every
 * problem and its place; `broken` holds these errors. Throws RVB_LIMIT and RVB_PATH_DENIED for the folders themselves.
 */
export async function loadOperators(cascadeRoots: CascadeRoots): Promise<LoadedOperators> {
  const roots = await Promise.all(
    rootsOf(cascadeRoots).map((root) => realpath(root).catch(() => root)),
  );
  const files = new Map<string, string>();
  for (const root of roots) {
    for (const { name, text } of await stampedFiles(join(root, OPERATORS_FOLDER))) {
      if (!files.has(name)) files.set(name, text);
    }
  }
  const key = JSON.stringify(roots);
  const stamp = [...files.values()].join('\n');
  const known = kept.get(key);
  if (known?.stamp === stamp) return (await known.loading).operators;
  const loading = load(
    roots,
    [...files.keys()].map((name) => `${OPERATORS_FOLDER}/${name}`),
  );
  kept.delete(key);
  kept.set(key, { stamp, loading });
  const { operators, mayChange } = await loading.catch((thrown: unknown) => {
    kept.delete(key);
    throw thrown;
  });
  if (mayChange) kept.delete(key);
  dropOldest(kept, OPERATOR_ROOTS_KEPT);
  return operators;
}

async function load(roots: readonly string[], files: readonly string[]): Promise<Loaded> {
  builtIns ??= readBuiltIns();
  if (files.length === 0) {
    return { operators: await mergeOperators(await builtIns, [], noPlace), mayChange: false };
  }
  const { placeOfSpelling, readOperatorFiles } = await import('./operator-file.ts');
  const entries = await readOperatorFiles(roots, files, 'file');
  const operators = await mergeOperators(await builtIns, entries, ({ file, operator }, claim) => {
    const entryRoots = operator.source === 'built-in' ? builtInRoot() : roots;
    return placeOfSpelling(entryRoots, file, (text) => claimsOf(text).includes(claim));
  });
  return { operators, mayChange: entries.some(({ readsOthers }) => readsOthers) };
}

/** Built-in operators never conflict with each other, so their place is not needed: a test ensures it. */
async function noPlace(): Promise<SourcePlace> {
  return { line: 1, column: 1 };
}

function claimsOf(text: string): readonly string[] {
  const spelling = readSpelling(text);
  if ('problem' in spelling) return [];
  if (spelling.kind === 'infix') {
    const name = spelling.words.join('_').toLowerCase();
    return [`the words ${spelling.words.join(' ')}`, `the function semantic_${name}`];
  }
  const name = spelling.name.toLowerCase();
  return [`the function ${name}`, `the function semantic_${name}`];
}

async function readBuiltIns(): Promise<readonly OperatorEntry[]> {
  const text = await readFile(builtInFile(), 'utf8').catch((thrown: unknown) => {
    builtIns = undefined;
    const message = `the built-in operators are not built; run \`npm run build\`: ${messageOf(thrown)}`;
    throw new RvbbitError('RVB_INTERNAL', message, { stage: 'cascade' });
  });
  return JSON.parse(text) as readonly OperatorEntry[];
}

/** The names of the folder's cascade files, each with a text that changes when the file does. */
async function stampedFiles(
  folder: string,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter(hasCascadeSuffix).sort();
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new RvbbitError('RVB_PATH_DENIED', `the folder of operators: ${messageOf(thrown)}`, {
      stage: 'cascade',
    });
  }
  if (names.length > OPERATOR_MAX_FILES) {
    const message = `${folder} has ${names.length} files, and ${OPERATOR_MAX_FILES} is the limit`;
    throw new RvbbitError('RVB_LIMIT', message, { stage: 'cascade' });
  }
  return Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name), { bigint: true }).catch(() => undefined);
      return { name, text: `${name} ${found === undefined ? 'gone' : stampOf(found)}` };
    }),
  );
}

function stampOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
