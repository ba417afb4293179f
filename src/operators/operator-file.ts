/** Reads the file of an operator. If it is wrong, only the operator's names and the error are known. */
import type { Cascade } from '../cascade/cascade.ts';
import { loadCascade } from '../cascade/load-cascade.ts';
import type { ParsedYaml, ValuePath } from '../cascade/parse-yaml.ts';
import { cascadeInvalid } from '../cascade/problems.ts';
import { type CascadeRoots, readFirstFile } from '../cascade/resolve-path.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { readColumnType } from '../values/column-type.ts';
import type { OperatorNames } from './broken-operator.ts';
import { functionNames, functionOfPattern } from './function-file.ts';
import type { Operator, OperatorPattern } from './operator.ts';
import { brokenEntry, type OperatorEntry } from './operator-entry.ts';
import { namesOfOperator, readOperator } from './read-operator.ts';
import { readSpelling } from './spelling.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads several files; leaves out cascades that declare no operator. */
export async function readOperatorFiles(
  roots: CascadeRoots,
  files: readonly string[],
  source: Operator['source'],
): Promise<readonly OperatorEntry[]> {
  const entries = await Promise.all(files.map((file) => readOperatorFile(roots, file, source)));
  return entries.filter((entry) => entry !== undefined);
}

/** Reads a file under the roots; undefined if it is a cascade that declares no operator. Never throws for an error in the file. */
async function readOperatorFile(
  roots: CascadeRoots,
  file: string,
  source: Operator['source'],
): Promise<OperatorEntry | undefined> {
  let cascade: Cascade;
  try {
    cascade = await loadCascade(roots, file);
    if (cascade.sqlFunction === undefined) return undefined;
    const read = readOperator(cascade, source);
    if (!('problems' in read)) {
      const functions = functionNames(read);
      return { operator: read, file, functions, readsOthers: readsOthers(cascade) };
    }
    const parsed = await parsedFile(roots, file);
    const problems = read.problems.map(({ path, message }) => ({
      place: placeIn(parsed, file, path),
      message,
    }));
    throw cascadeInvalid(file, problems);
  } catch (thrown) {
    if (!(thrown instanceof RvbbitError)) throw thrown;
    const value = (await parsedFile(roots, file))?.value;
    const names = namesOf(value, file, source);
    return brokenEntry(names, file, thrown, brokenFunctions(names, value));
  }
}

/** The place of a spelling in the file; of the operator's name if no spelling is meant. */
export async function placeOfSpelling(
  roots: CascadeRoots,
  file: string,
  isMeant: (pattern: string) => boolean,
): Promise<SourcePlace> {
  const parsed = await parsedFile(roots, file);
  const at = spellingsIn(parsed?.value).findIndex(isMeant);
  return placeIn(parsed, file, ['sql_function', ...(at < 0 ? ['name'] : ['operators', at])]);
}

async function parsedFile(roots: CascadeRoots, file: string): Promise<ParsedYaml | undefined> {
  const bytes = await readFirstFile(roots, file).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const { guardYaml } = await import('../cascade/guard-yaml.ts');
  const guarded = guardYaml(bytes, file);
  if (!guarded.ok) return undefined;
  const { parseYaml } = await import('../cascade/parse-yaml.ts');
  return parseYaml(guarded.text, file);
}

function placeIn(parsed: ParsedYaml | undefined, file: string, path: ValuePath): SourcePlace {
  return parsed?.place(path) ?? { file, line: 1, column: 1 };
}

/** The operator's names, as far as they can be read. Without a readable name, it is called like its file. */
function namesOf(value: unknown, file: string, source: Operator['source']): OperatorNames {
  const written = member(member(value, 'sql_function'), 'name');
  const base = file.replace(/^.*\//, '').replace(/\.ya?ml$/, '');
  const name = typeof written === 'string' && NAME.test(written) ? written : base;
  const patterns = spellingsIn(value).flatMap((text): OperatorPattern[] => {
    const spelling = readSpelling(text);
    if ('problem' in spelling || spelling.kind === 'call') return [];
    const { left, words, right } = spelling;
    return [{ left, words, right }];
  });
  const returns = member(member(value, 'sql_function'), 'returns');
  const type = typeof returns === 'string' ? readColumnType(returns) : undefined;
  return { ...namesOfOperator(name), patterns, returns: type?.name ?? 'BOOLEAN', source };
}

/** The names of the operator's function, as far as they can be read, so that a call by them reports the file's error. */
function brokenFunctions(names: OperatorNames, value: unknown): readonly string[] {
  const spellings = spellingsIn(value);
  const calls = spellings.flatMap((text) => {
    const spelling = readSpelling(text);
    return 'kind' in spelling && spelling.kind === 'call' ? [spelling.name.toLowerCase()] : [];
  });
  const called = spellings.length === 0 ? [names.name.toLowerCase()] : calls;
  const infix = names.patterns.map(functionOfPattern);
  return [names.functionName, ...infix, ...called, ...called.map((name) => `semantic_${name}`)];
}

function spellingsIn(value: unknown): readonly string[] {
  const list = member(member(value, 'sql_function'), 'operators');
  return Array.isArray(list) ? list.map(String) : [];
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function readsOthers({ cells, file, nested }: Cascade): boolean {
  if (Object.keys(nested).length > 0) return true;
  return cells.some((cell) => cell.kind === 'js' && cell.source !== file);
}
