/** `rvbbit init`: a working folder to start from. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CliError } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { say } from '../stderr.ts';

const EXAMPLES = new URL('../../../../examples/', import.meta.url);
const CASCADE = 'price_band.yaml';
/** Products taken over from the example data, besides its header. */
const SAMPLE_ROWS = 12;

const QUERY = `-- Each product's price band, by the cascade in cascades/${CASCADE}.
RVBBIT MAP PARALLEL 4 'cascades/${CASCADE}' AS band
USING (SELECT name, price FROM 'products.csv' ORDER BY price);
`;

const README = `# A RVBBIT working folder

- \`products.csv\`: a few products
- \`cascades/${CASCADE}\`: what is done to a row, with its own test cases
- \`query.sql\`: the cascade over the products

Three commands:

    rvbbit -f query.sql
    rvbbit test
    rvbbit run cascades/${CASCADE} --input '{"price": 49.90}'
`;

/** Makes the folder and says what to type next. Gives the exit code. */
export async function init(words: readonly string[], options: CliOptions): Promise<number> {
  const [folder = '.', ...more] = words;
  if (more.length > 0)
    throw new CliError('usage', 'init takes one folder', 'rvbbit init my-project');
  const files = await workingFiles();
  const taken = [...files.keys()].filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0 && !options.force) {
    throw new CliError(
      'usage',
      `${join(folder, taken[0]!)} is there already`,
      '--force overwrites it',
    );
  }
  try {
    await mkdir(join(folder, 'cascades'), { recursive: true });
    for (const [path, text] of files) await writeFile(join(folder, path), text);
  } catch (thrown) {
    throw new CliError('open', `cannot write to ${folder}: ${(thrown as Error).message}`);
  }
  if (!options.quiet) for (const path of files.keys()) say(`wrote ${join(folder, path)}`);
  const where = relative('', folder);
  process.stdout.write(`${where === '' ? '' : `cd ${shellWord(where)} && `}rvbbit -f query.sql\n`);
  return 0;
}

/** The files by path; the cascade and the rows are those of the package's examples. */
async function workingFiles(): Promise<ReadonlyMap<string, string>> {
  const cascade = await readFile(new URL(`cascades/${CASCADE}`, EXAMPLES), 'utf8');
  const products = await readFile(new URL('data/products.csv', EXAMPLES), 'utf8');
  const sample = products.split('\n').slice(0, SAMPLE_ROWS + 1);
  return new Map([
    [`cascades/${CASCADE}`, cascade.replace(/^# yaml-language-server.*\n/, '')],
    ['products.csv', `${sample.join('\n')}\n`],
    ['query.sql', QUERY],
    ['README.md', README],
  ]);
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
