/** Merges the operators of several files into one registry: decides which file counts, and finds conflicts. */
import { formatPlace } from '../cascade/problems.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import type { Operator, OperatorRegistry } from './operator.ts';
import { brokenEntry, type OperatorEntry } from './operator-entry.ts';

/** A registry that also knows the files that are wrong. */
export interface LoadedOperators extends OperatorRegistry {
  /** For each operator name: the error in its file. The operator in `operators` throws it where it is used. */
  readonly broken: ReadonlyMap<string, RvbbitError>;
  /** For each operator name: its file, relative to the cascade root, or `built-in/…`. */
  readonly files: ReadonlyMap<string, string>;
}

/** Finds the place where a file claims a name or words; `claim` is worded as in the conflict's message. */
export type PlaceOfClaim = (entry: OperatorEntry, claim: string) => Promise<SourcePlace>;

/**
 * A file replaces a built-in operator of the same name. Operators that claim the same name, words or function are all
 * broken.
 */
export async function mergeOperators(
  builtIns: readonly OperatorEntry[],
  files: readonly OperatorEntry[],
  placeOf: PlaceOfClaim,
): Promise<LoadedOperators> {
  const overridden = new Map(files.map(({ operator }) => [operator.name, operator]));
  const entries = [
    ...builtIns.filter(({ operator }) => !overridden.has(operator.name)),
    ...files.map((entry) => likeBuiltIn(entry, builtIns)),
  ];
  const errors = new Map<OperatorEntry, RvbbitError>();
  for (const [claim, claimants] of claims(entries)) {
    const [first, second] = claimants.filter(({ error }) => error === undefined);
    if (first === undefined || second === undefined) continue;
    const error = conflict(claim, second, first, await placeOf(second, claim));
    for (const entry of claimants) if (!errors.has(entry)) errors.set(entry, error);
  }
  return registryOf(
    entries.map((entry) => {
      const error = errors.get(entry);
      if (error === undefined || entry.error !== undefined) return entry;
      return brokenEntry(entry.operator, entry.file, error, entry.functions);
    }),
  );
}

/** A file that is too broken to give its words gets those of the built-in operator that it replaces. */
function likeBuiltIn(entry: OperatorEntry, builtIns: readonly OperatorEntry[]): OperatorEntry {
  const { operator, error } = entry;
  const builtIn = builtIns.find((other) => other.operator.name === operator.name);
  if (error === undefined || builtIn === undefined || operator.patterns.length > 0) return entry;
  const { name, functionName, source } = operator;
  const { patterns, returns } = builtIn.operator;
  const names = { name, functionName, source, patterns, returns };
  return brokenEntry(names, entry.file, error, builtIn.functions);
}

function claims(entries: readonly OperatorEntry[]): ReadonlyMap<string, readonly OperatorEntry[]> {
  const found = new Map<string, OperatorEntry[]>();
  for (const entry of entries) {
    const { name, patterns } = entry.operator;
    const claimed = [
      `the name ${name}`,
      ...patterns.map(({ words }) => `the words ${words.join(' ')}`),
      ...entry.functions.map((each) => `the function ${each}`),
    ];
    for (const claim of claimed) found.set(claim, [...(found.get(claim) ?? []), entry]);
  }
  return found;
}

function conflict(
  claim: string,
  entry: OperatorEntry,
  other: OperatorEntry,
  place: SourcePlace,
): RvbbitError {
  const advice =
    other.operator.source === 'built-in'
      ? `; to replace the built-in operator give this one its name, ${other.operator.name}`
      : '';
  return new RvbbitError(
    'RVB_CASCADE_INVALID',
    `the operators '${other.file}' and '${entry.file}' both have ${claim}:\n${formatPlace(place)} change it here or there${advice}`,
    { stage: 'cascade', place },
  );
}

function registryOf(entries: readonly OperatorEntry[]): LoadedOperators {
  const operators = new Map<string, Operator>();
  const functions = new Map<string, Operator>();
  const broken = new Map<string, RvbbitError>();
  const files = new Map<string, string>();
  for (const { operator, functions: names, error, file } of entries) {
    const { name } = operator;
    if (operators.has(name)) continue;
    operators.set(name, operator);
    files.set(name, file);
    if (error !== undefined) broken.set(name, error);
    for (const each of names) functions.set(each, operator);
  }
  return {
    operators,
    broken,
    files,
    byFunction: (name) => functions.get(name.toLowerCase()),
  };
}
