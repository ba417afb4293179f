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
process.once('exit', () => rmSync(cascades, { recursive: true, force: true }));

let files = 0;

/** A cascade file of cells, each a query, or a query and the table that it makes. */
export function cascadeOf(
  ...cells: readonly (string | { readonly query: string; readonly table: string })[]
): string {
  const file = `c${++files}.yaml`;
  const list = cells.map((cell, index) => ({
    name: `q${index + 1}`,
    tool: 'sql_data',
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

/** Runs queries as the cells of one cascade; gives what came of the last. */
export async function runCells(
  engine: Engine,
  file: string,
  input: JsonObject = {},
): Promise<CellResult> {
  const { outcome } = await engine.runCascade(file, input);
  if (outcome.kind === 'ok') return { output: outcome.value };
  if (outcome.kind === 'skipped') throw new Error('skipped');
  const { code, message } = outcome.error;
  return { code, message: message.replace(/^c\d+\.yaml: cell q\d+: /, '') };
}

/** Private folders of engines that are there. */
export function privateFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('rvbbit-sql-'));
}
