/** The settings that count in the working folder. */
import { existsSync } from 'node:fs';
import type { DescribedConfig, DescribedSetting } from '../model/describe-config.ts';
import { readSqlCellsMode } from '../options.ts';
import { CONFIG_FILE, environment } from './session.ts';

/** Those of models, and how `sql_data` cells run. */
export interface Configuration extends DescribedConfig {
  readonly sqlCells: DescribedSetting;
}

/** Reads the file, the environment and `.env` as an engine does. Throws where one of them is wrong. */
export async function readConfiguration(): Promise<Configuration> {
  const { readModelSources } = await import('../model/models.ts');
  const { describeConfig } = await import('../model/describe-config.ts');
  const sources = await readModelSources({
    env: environment(),
    ...(existsSync(CONFIG_FILE) ? { configFile: CONFIG_FILE } : {}),
  });
  return { ...describeConfig(sources), sqlCells: sqlCellsSetting(sources.config) };
}

function sqlCellsSetting(file: unknown): DescribedSetting {
  const value = (file as { readonly sql_cells?: unknown } | null | undefined)?.sql_cells;
  const mode = readSqlCellsMode(value, 'sql_cells');
  const source = mode === undefined ? 'default' : 'file';
  return { key: 'sql_cells', value: mode ?? 'inline', source };
}
