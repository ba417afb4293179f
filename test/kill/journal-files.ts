/** Reads a journal's files by the documented form of their lines, without the engine's own reader. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A record as it stands in the file. */
export interface RawRecord {
  readonly t: string;
  readonly at: number;
  readonly session: string;
  readonly attempt?: string;
  readonly callKey?: string;
  readonly callKeys?: readonly string[];
  readonly outcome?: string;
  readonly value?: string;
  readonly raw?: string;
  readonly again?: number;
  readonly prompt?: readonly { readonly role: string; readonly content: string }[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** All whole lines, segment by segment; a torn last one is left out. */
export function readRecords(stateDir: string): RawRecord[] {
  const folder = join(stateDir, 'journal');
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
  } catch {
    return [];
  }
  return names.sort().flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line.slice(9)) as RawRecord);
  });
}

/** The calls of a journal by what they asked (the last message). */
export interface CallBook {
  /** Asked and answered. */
  readonly settled: ReadonlySet<string>;
  /** Attempts that began and did not end, by attempt, with what they asked. */
  readonly cutOff: ReadonlyMap<string, string>;
  /** Attempts that began. */
  readonly begun: number;
  /** The sum of `again`, over the attempts that ended. */
  readonly again: number;
}

/** Folds the attempts of a journal that keeps prompts. */
export function bookOf(records: readonly RawRecord[]): CallBook {
  const asked = new Map<string, string>();
  const settled = new Set<string>();
  const cutOff = new Map<string, string>();
  const told = new Map<string, number>();
  let again = 0;
  for (const { t, attempt, prompt, again: lost } of records) {
    if (t !== 'attempt.start') continue;
    const text = prompt?.at(-1)?.content ?? '';
    asked.set(attempt!, text);
    cutOff.set(attempt!, text);
    told.set(attempt!, lost ?? 0);
  }
  for (const { t, attempt, outcome, value } of records) {
    if (t !== 'attempt.end') continue;
    cutOff.delete(attempt!);
    again += told.get(attempt!) ?? 0;
    if (outcome === 'ok' && value !== undefined) settled.add(asked.get(attempt!)!);
  }
  return { settled, cutOff, begun: asked.size, again };
}
