/** Cascades of one SQL cell, and engines that run it on the session and in a process of its own. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions } from '../../src/index.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { reportCases } from '../support/cases.ts';

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

/** Runs cells in one cascade: the output of each, null for one that fails. */
export async function outputsOf(
  engine: Engine,
  cells: readonly Cell[],
  input: JsonObject = {},
): Promise<Json[]> {
  const { outcome } = await engine.runCascade(cascadeOf(cells, true), input);
  return cells.map((_, index) => outcome.outputs?.[`q${index + 1}`] ?? null);
}

/** Runs cells in one cascade, and those that fail once more, each by itself, for their errors. */
export async function runCells(
  engine: Engine,
  cells: readonly Cell[],
  input: JsonObject = {},
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const [index, output] of (await outputsOf(engine, cells, input)).entries())
    results.push(output === null ? await runCell(engine, cells[index]!, input) : { output });
  return results;
}

/** Asserts that cells give the same on the session and in a process, after the same set-up. */
export async function compare(
  setUp: readonly string[],
  cells: readonly Cell[],
  input: JsonObject = {},
): Promise<void> {
  await using inline = await openEngine({});
  await using isolated = await openEngine({ sqlCells: 'process' });
  for (const sql of setUp) for (const engine of [inline, isolated]) await engine.query(sql);
  const expected = (await runCells(inline, cells, input)).map(withoutHint);
  const found = (await runCells(isolated, cells, input)).map(withoutHint);
  for (const [index, cell] of cells.entries())
    assert.equal(found[index], expected[index], JSON.stringify(cell));
  reportCases(cells.length, 'queries in a process as on the session');
}

/** The names that DuckDB proposes are of tables that the query does not name. */
function withoutHint(result: CellResult): CellResult {
  if ('output' in result) return result;
  return { ...result, message: result.message.replace(/\nDid you mean .*/, '') };
}

/** Private folders of engines that are there. */
export function privateFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('rvbbit-sql-'));
}
