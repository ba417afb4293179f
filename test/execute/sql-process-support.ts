/** Cascades of one SQL cell, and engines that run it on the session and in a process of its own. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, type EngineOptions } from '../../src/index.ts';
import type { Json, JsonObject } from '../../src/json.ts';

/** What a cell's query gave: its output, or its error's code and message. */
export type CellResult =
  | { readonly output: Json }
  | { readonly code: string; readonly message: string };

/** A folder for cascades that is gone at the end of the process. */
export const cascades: string = mkdtempSync(join(tmpdir(), 'rvbbit-cells-'));
// Engines of other tests have their private folders elsewhere.
process.env['TMPDIR'] = cascades;
process.once('exit', () => rmSync(cascades, { recursive: true, force: true }));

let files = 0;

/** A cell: a query, or a query and the table that it makes. */
export type Cell = string | { readonly query: string; readonly table: string };

/** A cascade file of cells `q1`, `q2`, …; with `goesOn` a cell that fails gives null. */
export function cascadeOf(cells: readonly Cell[], goesOn = false): string {
  const file = `c${++files}.yaml`;
  const list = cells.map((cell, index) => ({
    name: `q${index + 1}`,
    tool: 'sql_data',
    ...(goesOn ? { on_error: null } : {}),
    ...(typeof cell === 'string'
      ? { inputs: { query: cell } }
      : { materialize: cell.table, inputs: { query: cell.query } }),
  }));
  writeFileSync(join(cascades, file), JSON.stringify({ cells: list }));
  return file;
}

export function openEngine(options: EngineOptions): Promise<Engine> {
  return Engine.open({ cascades, threads: 1, ...options });
}

/** Runs a cell as a cascade of its own. */
export async function runCell(
  engine: Engine,
  cell: Cell,
  input: JsonObject = {},
): Promise<CellResult> {
  const { outcome } = await engine.runCascade(cascadeOf([cell]), input);
  if (outcome.kind === 'ok') return { output: outcome.value };
  if (outcome.kind === 'skipped') throw new Error('skipped');
  const { code, message } = outcome.error;
  return { code, message: message.replace(/^c\d+\.yaml: cell q\d+: /, '') };
}

/** Runs cells in one cascade, and those that fail once more, each by itself, for their errors. */
export async function runCells(
  engine: Engine,
  cells: readonly Cell[],
  input: JsonObject = {},
): Promise<CellResult[]> {
  const { outcome } = await engine.runCascade(cascadeOf(cells, true), input);
  const results: CellResult[] = [];
  for (const [index, cell] of cells.entries()) {
    const output = outcome.outputs?.[`q${index + 1}`] ?? null;
    results.push(output === null ? await runCell(engine, cell, input) : { output });
  }
  return results;
}

/** Private folders of engines that are there. */
export function privateFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('rvbbit-sql-'));
}
