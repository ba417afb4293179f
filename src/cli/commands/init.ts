/** `rvbbit init`: makes a working folder to start from. */
import { existsSync, lstatSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { packageFile } from '../../util/package-files.ts';
import { CliError, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { say } from '../stderr.ts';
import { shellWord } from '../text/shell-word.ts';
import { systemErrorText } from '../text/system-error.ts';

/** The package's folder of examples, which the README and the cookbook name. */
const EXAMPLES = 'examples';
const CASCADE = 'price_band.yaml';
const ASKING = 'review_topic.yaml';
/** The number of rows copied from each file of example data, besides its header. */
const SAMPLE_ROWS = 12;

const QUERY = `-- Each product's price band, by the cascade in cascades/${CASCADE}.
RVBBIT MAP PARALLEL 4 'cascades/${CASCADE}' AS band
USING (SELECT name, price FROM 'products.csv' ORDER BY price);

-- What each review is about, by a cell that asks the model of rvbbit.config.yaml.
RVBBIT MAP PARALLEL 4 'cascades/${ASKING}' AS topic
USING (SELECT review_text FROM 'reviews.csv' ORDER BY id);
`;

const CONFIG = `# \`lexical\` is no model: it answers by the words that a text shares with the question. It stands here so that
# nothing is needed to begin. Name a model in its place, e.g. ollama/qwen3:8b with OLLAMA_HOST=127.0.0.1:11434.
model: lexical
`;

const README = `# A RVBBIT working folder

- \`products.csv\`, \`reviews.csv\`: a few products and reviews
- \`cascades/${CASCADE}\`: what is done to a row, with its own test cases
- \`cascades/${ASKING}\`: a question to a model
- \`rvbbit.config.yaml\`: which model; \`lexical\`, word overlap, until you name one
- \`query.sql\`: the cascades over the rows

Three commands:

    rvbbit -f query.sql
    rvbbit test
    rvbbit run cascades/${CASCADE} --input '{"price": 49.90}'
`;

/** Makes the folder, or copies the examples into it, and prints what to type next. Returns the exit code. */
export async function init(words: readonly string[], options: CliOptions): Promise<number> {
  const [folder = '.', ...more] = words;
  refuseWord(more[0], 'rvbbit init my-project');
  const isExamples = options.examples === true;
  const files = isExamples ? new Map<string, string>() : await workingFiles();
  const paths = isExamples ? [EXAMPLES] : [...files.keys()];
  const taken = paths.find((path) => existsSync(join(folder, path)));
  if (taken !== undefined && !options.force) {
    throw new CliError('usage', `${join(folder, taken)} is there already`, '--force overwrites it');
  }
  const inside = isExamples ? await readdir(packageFile(EXAMPLES), { recursive: true }) : [];
  try {
    refuseLinks(folder, ['cascades', ...paths, ...inside.map((path) => join(EXAMPLES, path))]);
    if (isExamples) {
      await cp(packageFile(EXAMPLES), join(folder, EXAMPLES), { recursive: true });
    } else {
      await mkdir(join(folder, 'cascades'), { recursive: true });
      for (const [path, text] of files) await writeFile(join(folder, path), text);
    }
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    throw new CliError('open', `cannot write to ${folder}: ${systemErrorText(thrown)}`);
  }
  if (!options.quiet) for (const path of paths) say(`wrote ${join(folder, path)}`);
  const where = relative('', folder);
  const next = `rvbbit -f ${isExamples ? `${EXAMPLES}/quickstart.sql` : 'query.sql'}`;
  process.stdout.write(`${where === '' ? '' : `cd ${shellWord(where)} && `}${next}\n`);
  return 0;
}

/** Returns the files by path. The cascades and the rows come from the package's examples. */
async function workingFiles(): Promise<ReadonlyMap<string, string>> {
  const cascade = async (name: string): Promise<[string, string]> => {
    const text = await readFile(packageFile(`examples/cascades/${name}`), 'utf8');
    return [`cascades/${name}`, text.replace(/^# yaml-language-server.*\n/, '')];
  };
  const rows = async (name: string): Promise<[string, string]> => {
    const text = await readFile(packageFile(`examples/data/${name}`), 'utf8');
    const sample = text.split('\n').slice(0, SAMPLE_ROWS + 1);
    return [name, `${sample.join('\n')}\n`];
  };
  return new Map([
    await cascade(CASCADE),
    await cascade(ASKING),
    await rows('products.csv'),
    await rows('reviews.csv'),
    ['rvbbit.config.yaml', CONFIG],
    ['query.sql', QUERY],
    ['README.md', README],
  ]);
}

/** Throws a `CliError` if one of the paths is a symbolic link, through which another file would be written. */
function refuseLinks(folder: string, paths: readonly string[]): void {
  const link = paths.find((path) =>
    lstatSync(join(folder, path), { throwIfNoEntry: false })?.isSymbolicLink(),
  );
  if (link === undefined) return;
  const what = `${join(folder, link)} is a symbolic link`;
  throw new CliError('usage', what, 'nothing is written through a link: remove it first');
}
