/** `rvbbit ops`: lists, shows or copies the semantic operators of the cascade roots. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { signatureOf } from '../../operators/check-call.ts';
import { builtInRoot, loadOperators, OPERATORS_FOLDER } from '../../operators/load-operators.ts';
import { OPERATOR_COLUMNS, operatorRows } from '../../operators/operator-rows.ts';
import { fileUnder } from '../cascade-path.ts';
import { CliError, exitCodeOf, noAction, refuseWord } from '../exit-codes.ts';
import { findOperator, operatorFile } from '../find-operator.ts';
import type { CliOptions } from '../options.ts';
import { refuseOptions } from '../options.ts';
import { printRows, type Report } from '../print-rows.ts';
import { reportError } from '../report.ts';
import { cascadeRoots } from '../session.ts';
import { say } from '../stderr.ts';
import { systemErrorText } from '../text/system-error.ts';

const USAGE = 'rvbbit ops list|show <name>|eject <name>';

/** Runs `list`, `show` or `eject`. Returns the exit code. */
export async function ops(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, name, ...more] = words;
  refuseWord(action === 'list' ? name : more[0], USAGE);
  if (action === 'list') {
    refuseOptions('ops', 'list', options, ['force']);
    return list(options);
  }
  if (action !== 'show' && action !== 'eject') throw noAction('ops', action, USAGE);
  if (name === undefined) throw new CliError('usage', `ops ${action} needs a name`, USAGE);
  refuseOptions('ops', action, options, action === 'show' ? ['format', 'force'] : ['format']);
  return action === 'show' ? show(name, options) : eject(name, options);
}

async function list(options: CliOptions): Promise<number> {
  const { columns, rows, errors } = await operatorReport(options);
  await printRows(columns, rows, options);
  for (const error of errors) reportError(error);
  return exitCodeOf(errors.length > 0 ? ['failed'] : []);
}

/** Returns the operators of the cascade roots, a row each, and the errors of files that are broken. */
export async function operatorReport(
  options: CliOptions,
): Promise<Report & { readonly errors: readonly Error[] }> {
  const loaded = await loadOperators(await cascadeRoots(options));
  const columns = Object.fromEntries(OPERATOR_COLUMNS.map(({ name, type }) => [name, type]));
  return { columns, rows: operatorRows(loaded), errors: [...new Set(loaded.broken.values())] };
}

async function show(name: string, options: CliOptions): Promise<number> {
  const roots = await cascadeRoots(options);
  const loaded = await loadOperators(roots);
  const operator = findOperator(loaded, name);
  const file = operatorFile(loaded, operator, roots);
  const text = await readFile(file, 'utf8');
  const error = loaded.broken.get(operator.name);
  const signature = error === undefined ? `# ${signatureOf(operator)}\n` : '';
  const from =
    operator.source === 'file' ? file : `built in; rvbbit ops eject ${operator.name} copies it`;
  process.stdout.write(`${signature}# ${from}\n${text}`);
  if (error !== undefined) reportError(error);
  return exitCodeOf(error === undefined ? [] : ['failed']);
}

async function eject(name: string, options: CliOptions): Promise<number> {
  const roots = await cascadeRoots(options);
  const builtIn = findOperator(await loadOperators(builtInRoot()), name);
  const text = await readFile(join(builtInRoot(), builtIn.cascade.file), 'utf8');
  const { files } = await loadOperators(roots);
  const taken = files.get(builtIn.name) ?? '';
  const overrides = taken.startsWith(`${OPERATORS_FOLDER}/`);
  const base = builtIn.cascade.file.replace(/^.*\//, '');
  const file = overrides
    ? (fileUnder(roots, taken) ?? taken)
    : join(roots[0]!, OPERATORS_FOLDER, base);
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: options.force ? 'w' : 'wx' });
  } catch (thrown) {
    const isThere = (thrown as NodeJS.ErrnoException).code === 'EEXIST';
    if (isThere) throw new CliError('usage', `${file} is there already`, '--force overwrites it');
    throw new CliError('open', `cannot write ${file}: ${systemErrorText(thrown)}`);
  }
  if (!options.quiet) say(`wrote ${file}: it takes the place of the built-in ${builtIn.name}`);
  return 0;
}
