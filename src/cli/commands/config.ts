/** `rvbbit config show`: prints the settings in effect and where each comes from, without secrets. */
import type { DescribedConfig, DescribedSetting } from '../../model/describe-config.ts';
import { readConfiguration } from '../configuration.ts';
import { noAction, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { CONFIG_FILE } from '../session.ts';
import { visibleLines } from '../text/escape.ts';

const USAGE = 'rvbbit config show';
const SOURCES = {
  options: 'options',
  environment: 'environment',
  file: CONFIG_FILE,
  preset: 'built in',
  default: 'default',
} as const;

/** Prints the configuration as YAML with comments, or as JSON. Returns the exit code. */
export async function config(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, left] = words;
  if (action !== 'show') throw noAction('config', action, USAGE);
  refuseWord(left, USAGE);
  const configuration = await readConfiguration();
  const text = options.json ? JSON.stringify(configuration, null, 2) : configText(configuration);
  process.stdout.write(`${visibleLines(text)}\n`);
  return 0;
}

function configText({ model, cascades, providers }: DescribedConfig): string {
  const lines = model === undefined ? ['# no model is configured'] : [settingLine('', model)];
  if (cascades !== undefined) lines.push(settingLine('', cascades));
  if (providers.length > 0) lines.push('providers:');
  for (const { id, settings } of providers) {
    lines.push(`  ${id}:`, ...settings.map((setting) => settingLine('    ', setting)));
  }
  return lines.join('\n');
}

/** Returns the line of a setting. Values that are not plain text are JSON, which YAML can read. */
function settingLine(indent: string, { key, value, source, isSet }: DescribedSetting): string {
  const plain = typeof value === 'string' && /^[A-Za-z0-9_./:-]*[A-Za-z0-9_./-]$/.test(value);
  const setting = `${indent}${key}: ${plain ? value : JSON.stringify(value)}`;
  const state = isSet === undefined ? '' : isSet ? ', which is set' : ', which is not set';
  return `${setting.padEnd(56)}  # ${SOURCES[source]}${state}`;
}
