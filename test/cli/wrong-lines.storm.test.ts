/**
 * Command lines as people mistype them. Each ends with an exit code other than 0, says on stderr what was wrong and
 * what to do, and leaves the folder as it was.
 */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { editDistance } from '../../grammar/spelling.ts';
import { COMMANDS, type CommandName, OPTIONS, type OptionRow } from '../../src/cli/options.ts';
import { Engine } from '../../src/index.ts';
import { mulberry, reportCases, seed } from '../support/cases.ts';
import { rvbbitHere } from './here.ts';
import { type Ended, makeFolder, removeFolder, rvbbit } from './spawn.ts';

/** The time that a wrong command line may take. */
const LONGEST_MS = 5_000;
const ONE = `cascade_id: one
inputs_schema: { type: object, required: [n], properties: { n: { type: integer } } }
cells:
  - { name: a, tool: js, inputs: { code: 'return input.n;' } }
`;
const folder = makeFolder({
  'one.yaml': ONE,
  'broken.yaml': 'cascade_id: broken\ncels: []\n',
  'query.sql': 'SELECT 1 AS a;\n',
  'wrong.sql': "RVBBIT MAP 'one' USNG (SELECT 1 AS n);\n",
  'rows.csv': 'n\n1\n',
  'row.json': '{"n":1}\n',
  'list.json': '[1]\n',
  'half.json': '{"n":\n',
  'notes.txt': 'some notes\n',
  'README.md': '# Notes\n',
  'data.bin': 'no database at all',
  'empty.db': '',
  'sub/inner.csv': 'n\n1\n',
});
test.before(async () => {
  await using engine = await Engine.open({ database: join(folder, 'shop.duckdb') });
  await engine.query('CREATE TABLE products AS SELECT 1 AS id');
});
test.after(() => removeFolder(folder));

/** A wrong command line, the part of it that stderr must name, and what stderr must say to do. */
type WrongLine = readonly [args: readonly string[], named: string, advice: RegExp];

/** The forms of advice: a next step, the nearest spelling, what is taken in its place, or the place in the SQL. */
const ADVICE = /next: |did you mean|Did you mean|[Ee]xpected |takes |needs |there are |\n +at /;

function line(args: string, named: string, advice: RegExp = ADVICE): WrongLine {
  const words = args.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  return [words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2')), named, advice];
}

/** Words that are typed for a command, and what is said to do instead. */
const NO_COMMANDS: readonly WrongLine[] = [
  ...'repl shell cli console interactive'
    .split(' ')
    .map((word) => line(word, word, /rvbbit \[db\] on a terminal/)),
  ...'sql query exec execute'.split(' ').map((word) => line(word, word, /-c 'SQL'/)),
  ...'serve server start mcp http'
    .split(' ')
    .filter((word) => !Object.hasOwn(COMMANDS, word))
    .map((word) => line(`${word} --port 15432`, word, /rvbbit serve sql/)),
  line('cascades', 'cascades', /SHOW RVBBIT CASCADES/),
  line('operators', 'operators', /rvbbit ops list/),
  line('validate', 'validate', /rvbbit doctor/),
  line('new shop', 'new', /rvbbit init/),
  line('models', 'models', /rvbbit config show/),
  line('benchmark', 'benchmark', /rvbbit bench/),
  line('simulate', 'simulate', /rvbbit sim/),
  line('doc', 'doc', /rvbbit doctor/),
  line('conf show', 'conf', /rvbbit config/),
  line('version', 'version', /rvbbit --version/),
  line('help foo', 'foo', /rvbbit --help/),
  line('help repl', 'repl', /on a terminal/),
  line('help exlain', 'exlain', /rvbbit explain/),
  ...'foo warehouse my-shop x'
    .split(' ')
    .flatMap((word) => [
      line(word, word, new RegExp(`\\./${word} or ${word}\\.duckdb`)),
      line(`${word} -c 'SELECT 1'`, word, new RegExp(`\\./${word} or ${word}\\.duckdb`)),
      line(`-q ${word} --port 5`, word, new RegExp(`\\./${word} or ${word}\\.duckdb`)),
      line(`-c 'SELECT 1' -- ${word}`, word, new RegExp(`\\./${word} or ${word}\\.duckdb`)),
      line(`run one.yaml --database ${word}`, word, new RegExp(`\\./${word} or ${word}\\.duckdb`)),
    ]),
];

/** Files that are not there, or are something else. */
const FILES: readonly WrongLine[] = [
  ...['rows.csv', 'shop.duckdb', 'one.yaml'].map((file) =>
    line(`-f ${file}`, file, /did you mean (?:-c "FROM 'rows\.csv'"|rvbbit (?:run )?\S+)\?/),
  ),
  line('query.sql', 'query.sql', /did you mean -f query\.sql\?/),
  line('nope.sql', 'nope.sql', /did you mean -f nope\.sql\?/),
  line('one.yaml', 'one.yaml', /did you mean rvbbit run one\.yaml\?/),
  line("'select 1'", 'select 1', /did you mean -c/),
  ...'nope.csv nope.parquet nope.json nope.jsonl'
    .split(' ')
    .map((file) => line(`${file} -c 'SELECT 1'`, file, new RegExp(`FROM '${file}'`))),
  line("nope.xlsx -c 'SELECT 1'", 'nope.xlsx', /read_xlsx/),
  line("nope.sqlite -c 'SELECT 1'", 'nope.sqlite', /sqlite_scan/),
  line("nope.md -c 'SELECT 1'", 'nope.md', /read_text/),
  ...'notes.txt README.md data.bin'
    .split(' ')
    .flatMap((file) => [
      line(`${file} -c 'SELECT 1'`, file, /read_text/),
      line(`run one.yaml --database ${file}`, file, /read_text/),
      line(`explain 'SELECT 1' --database ${file}`, file, /read_text/),
    ]),
  line('README.md', 'README.md', /read_text/),
  line("empty.db -c 'SELECT 1'", 'empty.db', /remove it/),
  ...["sub -c 'SELECT 1'", 'sub', '. -f query.sql', 'test one.yaml --database sub'].map((args) =>
    line(args, 'is a folder', /\/shop\.duckdb/),
  ),
  line("nope/x.duckdb -c 'SELECT 1'", 'nope/x.duckdb', /create the folder/),
  line('run one.yaml --database nope/x.duckdb', 'nope/x.duckdb', /create the folder/),
  line("one.yaml/x.duckdb -c 'SELECT 1'", 'one.yaml/x.duckdb', /Not a directory|folder/i),
  line('-f nope.sql', 'nope.sql', /no such file/),
  line('-f sub', 'sub', /is a folder/),
  line('explain -f nope.sql', 'nope.sql', /no such file/),
  line('explain query.sql', 'query.sql', /-f query\.sql/),
  line("-c 'SELECT 1' -o nope/x.csv", 'nope/x.csv', /no such file/),
  line("-c 'SELECT 1' -o nope/x.parquet", 'nope/x.parquet', /no such file/),
  line("-c 'SELECT 1' -o sub", 'sub', /is a folder/),
  line("-c 'SELECT 1' -o notes.txt/x.csv", 'notes.txt/x.csv', /not a directory/),
  line("-c 'SELECT 1' -o ''", '-o', /takes the name of a file/),
  line("shop.duckdb -c 'SELECT 1' -o ./shop.duckdb", 'shop.duckdb', /another file with -o/),
  line('-f query.sql -o query.sql', 'query.sql', /another file with -o/),
  line("-c 'SHOW RVBBIT OPERATORS' -o x.parquet", 'SHOW', /-o result\.csv/),
  line("-c 'SELECT 1' --format parquet", 'parquet', /add -o result\.parquet/),
  line("-c 'SELECT 1' --cascades nope", 'nope', /--cascades takes/),
  line("-c 'SELECT 1' --cascades one.yaml", 'one.yaml', /--cascades takes/),
  ...'doctor,ops list,test,run one.yaml'
    .split(',')
    .map((args) => line(`${args} --cascades nope`, 'nope')),
  line("-c 'SELECT 1' --state-dir notes.txt", 'notes.txt', /takes a folder/),
  line("-c 'SELECT 1' --state-dir notes.txt/x/y", 'notes.txt', /takes a folder/),
  line('run one.yaml --state-dir rows.csv', 'rows.csv', /takes a folder/),
  line("-c 'SELECT 1' --state-dir ''", '--state-dir', /takes a folder/),
  ...['cache list', 'journal verify', 'cost', 'log', 'report last', 'resume --list'].map((args) =>
    line(`${args} --state-dir nope`, 'nope', /--state-dir names the folder/),
  ),
  line('run', 'run', /rvbbit run cascade\.yaml/),
  line('run one.yaml more.yaml', 'more.yaml', /rvbbit run/),
  line('run nope.yaml', 'nope.yaml'),
  line('run onee.yaml', 'onee.yaml', /did you mean 'one\.yaml'\?/),
  line('run broken.yaml', 'cels', /did you mean cells|cells is missing/),
  line('run sub', 'sub'),
  line('run one.yaml --input @nope.json', 'nope.json', /no such file/),
  line('run one.yaml --input @sub', 'sub', /is a folder/),
  line('run one.yaml --input @', '@', /@row/),
  line('run one.yaml --input @half.json', '--input'),
  line('run one.yaml --input @list.json', '--input', /takes a JSON object/),
  line("run one.yaml --input '{n:1}'", '--input', /--input @row\.json/),
  line("run one.yaml --input '[1]'", '--input', /takes a JSON object/),
  line('test nope.yaml', 'nope.yaml'),
  line('test sub', 'sub', /--cascades sub/),
  line('test one.yaml', 'one.yaml', /add `test_cases/),
  line('init notes.txt', 'notes.txt', /not a directory/),
  line('init sub other', 'other', /rvbbit init/),
  line('sim --faults nope.yaml', 'nope.yaml', /no such file/),
  line('sim --faults sub', 'sub', /is a folder/),
  line('bench collect --workload nope.sql', 'nope.sql', /no such file/),
];

/** Words that are left over or missing, and values that an option does not take. */
const WORDS: readonly WrongLine[] = [
  line('journal', 'journal', /verify\|compact\|prune/),
  line('journal verfy', 'verfy', /verify\|compact\|prune/),
  line('journal verify now', 'now', /verify\|compact\|prune/),
  line('cache', 'cache', /stats\|list\|show/),
  line('cache lits', 'lits', /stats\|list\|show/),
  line('cache show', 'key', /show <key>/),
  line('ops', 'ops', /list\|show/),
  line('ops lst', 'lst', /list\|show/),
  line('ops show MEENS', 'MEENS', /did you mean MEANS\?/),
  line('ops show', 'name', /show <name>/),
  line('ops list MEANS', 'MEANS', /list\|show/),
  line('ops eject NOPE', 'NOPE', /rvbbit ops list/),
  line('ops show MEANS --force', '--force', /rvbbit ops --help/),
  line('config', 'show', /rvbbit config show/),
  line('config shwo', 'shwo', /rvbbit config show/),
  line('bench', 'collect', /--workload/),
  line('bench colect', 'colect', /--workload/),
  line('bench collect', '--workload', /auto\|FILE\.sql/),
  line('doctor now', 'now', /doctor --help/),
  line('cost now', 'now', /--by/),
  line('log now', 'now', /rvbbit log/),
  line('report', 'report', /last\|<session>/),
  line('resume', 'resume'),
  line('sim now', 'now'),
  line('explain', 'explain', /one statement/),
  line("explain 'SELECT 1; SELECT 2'", '2', /write EXPLAIN/),
  line("explain 'SELECT 1'", 'plain SQL', /EXPLAIN before it/),
  line("shop.duckdb other.duckdb -c 'SELECT 1'", 'other.duckdb', /SQL goes behind -c/),
  line("shop.duckdb 'SELECT 1'", 'SELECT 1', /SQL goes behind -c/),
  line("-c 'SELECT 1' --param x", 'x', /name=value/),
  line("-c 'SELECT $a' --param a=1 --param a=2", 'a', /twice/),
  line("-c 'SELECT $brand' --param brnad=1", 'brnad', /did you mean brand\?/),
  line("-c 'SELECT 1; SELECT 2' --format csv", 'csv', /--last/),
  line("-c 'SELECT 1' --threads 99", '99', /from 1 to 64/),
  line("-c 'SELECT 1' --parallel 99999", '99999', /from 1 to/),
  line('sim --latency fast', 'fast', /constant:500/),
  line('journal compact --older-than 30', '30', /--older-than 30d/),
  line('journal prune --max-size big', 'big', /1GB/),
  line('journal prune --older-than soon', 'soon', /--older-than 30d/),
  line("-c 'SELECT 1' --database x.duckdb", '--database', /the first word/),
  line("-d x.duckdb -c 'SELECT 1'", '-d', /the first word/),
  line("-e 'SELECT 1'", '-e', /-c 'SQL'/),
  line('run one.yaml --stats', '--stats', /an option of rvbbit \[db\]/),
  line('--port 15432', '--port', /rvbbit sim/),
  line('--constructor', '--constructor', /--help/),
  line('-x', '-x', /--help/),
  line('--quiet=1', '--quiet', /takes no value/),
];

/** A statement, the part of it that stderr must name, and what stderr must say to do. */
type WrongStatement = readonly [sql: string, named: string, advice?: RegExp];

/** Statements that RVBBIT's own grammar refuses: not even the database is made. */
const SLIPS: readonly WrongStatement[] = [
  ["RVBIT MAP 'one' USING (SELECT 1 AS n)", 'RVBIT', /Did you mean RVBBIT\?/],
  ["RVBBIT MPA 'one' USING (SELECT 1 AS n)", 'MPA', /MAP, RUN/],
  ["RVBBIT MAP PARALEL 2 'one' USING (SELECT 1 AS n)", 'PARALEL', /Did you mean PARALLEL\?/],
  ["RVBBIT MAP 'one' USNG (SELECT 1 AS n)", 'USNG', /USING/],
  ["RVBBIT MAP 'one' USING (SELECT 1 AS n) WITH (limt = 1)", 'limt', /Did you mean limit\?/],
  ["RVBBIT MAP 'one'", 'ends here', /USING/],
  ['RVBBIT MAP one.yaml USING (SELECT 1 AS n)', 'one.yaml', /in quotes/],
  ["CREATE VIEW v AS RVBBIT MAP 'one' USING (SELECT 1 AS n)", 'VIEW', /TABLE/],
  ['SHOW RVBBIT CASCADE', 'CASCADE', /Did you mean CASCADES\?/],
  ['SHOW RVBBIT OPERATORES', 'OPERATORES', /Did you mean OPERATORS\?/],
  ['SHOW RVBBIT TABLES', 'TABLES', /JOBS, CASCADES or OPERATORS/],
  ["DESCRIBE RVBBIT MAP PARALEL 2 'one' USING (SELECT 1 AS n)", 'PARALEL', /PARALLEL\?/],
  ["RVBBIT MAP 'one' USING (SELECT 1 AS n", '(', /is not closed/],
];

/** Other statements that cannot be, and the dot commands that are none. */
const STATEMENTS: readonly WrongStatement[] = [
  ['SELEC 1', 'SELEC', /Did you mean SELECT\?/],
  ['SELECT * FORM products', 'products', /Did you mean FROM\?/],
  ['SELECT * FROM prodcts', 'prodcts', /Did you mean "products"\?/],
  ['SELECT idd FROM products', 'idd'],
  ["SELECT id FROM products WHERE id::VARCHAR MAENS 'x'", 'MAENS', /Did you mean MEANS\?/],
  ["RVBBIT MAP 'onee' USING (SELECT 1 AS n)", 'onee', /did you mean 'one'\?/],
  ["RVBBIT MAP 'one' USING (SELECT 1 AS m)", 'n', /inputs|input/],
  ["SELECT * FROM RVBBIT MAP 'one' USING (SELECT 1 AS n)", 'RVBBIT MAP', /in brackets/],
  ["COPY RVBBIT MAP 'one' USING (SELECT 1 AS n) TO 'x.csv'", 'RVBBIT MAP', /in brackets/],
  ["PREPARE q AS RVBBIT MAP 'one' USING (SELECT 1 AS n)", 'prepared', /--param/],
  ['EXECUTE q', '"q"', /PREPARE/],
  ["RVBBIT AWAIT 'udf-no-such-000000'", 'jobs', /--state-dir/],
  ["DESCRIBE RVBBIT MAP 'onee' USING (SELECT 1 AS n)", 'onee', /did you mean 'one'\?/],
  ["EXPLAIN RVBBIT MAP 'onee' USING (SELECT 1 AS n)", 'onee', /did you mean 'one'\?/],
  ['.tbales', '.'],
  ['.exit now', '.'],
  ['\\x maybe', 'maybe'],
];

function statementLines(database: string, statements: readonly WrongStatement[]): WrongLine[] {
  return statements.map(([sql, named, advice = ADVICE]) => [
    [database, '--no-state', '-c', sql],
    named,
    advice,
  ]);
}

const random = mulberry(seed);
function pick(length: number): number {
  return Math.floor(random() * length);
}

/** A word with one letter lost, one doubled, and two neighbours swapped, each at a random place. */
function misspelt(word: string): readonly string[] {
  const lost = pick(word.length);
  const doubled = pick(word.length);
  const swapped = pick(word.length - 1);
  return [
    word.slice(0, lost) + word.slice(lost + 1),
    word.slice(0, doubled) + word[doubled] + word.slice(doubled),
    word.slice(0, swapped) + word[swapped + 1] + word[swapped] + word.slice(swapped + 2),
  ];
}

const NAMES = (Object.keys(COMMANDS) as CommandName[]).filter((name) => name !== 'query');

function misspeltCommands(): WrongLine[] {
  const known = new Set<string>([...NAMES, 'help', 'query']);
  return [...NAMES, 'help'].flatMap((name) =>
    misspelt(name)
      .filter((typed) => !known.has(typed))
      .map((typed): WrongLine => [[typed], typed, /did you mean rvbbit \w+\?|next: rvbbit/]),
  );
}

function nameOf({ flags }: OptionRow): string {
  return /--([a-z-]+)/.exec(flags)![1]!;
}

/** Each option of each command, misspelt in one of three ways. */
function misspeltOptions(): WrongLine[] {
  return OPTIONS.flatMap((row) => {
    const command = row.commands[pick(row.commands.length)]!;
    const own = OPTIONS.filter(({ commands }) => commands.includes(command)).map(nameOf);
    return misspelt(nameOf(row))
      .filter((typed) => /^[a-z]/.test(typed) && !own.includes(typed))
      .map((typed): WrongLine => {
        const flag = `--${typed}`;
        const advice = /did you mean --[a-z-]+\?|an option of|--help$/m;
        return [[...(command === 'query' ? [] : [command]), flag, '1'], flag, advice];
      });
  });
}

function isFromOne({ number, from }: OptionRow): boolean {
  return number === true && from === undefined;
}

/** Values that no number and no choice has. */
function wrongValues(): WrongLine[] {
  return OPTIONS.flatMap((row) => {
    const command = row.commands[0]!;
    const before = command === 'query' ? [] : [command];
    const flag = `--${nameOf(row)}`;
    const wrong = row.number
      ? ['x', '-1', ...(row.number === true ? ['1.5'] : []), ...(isFromOne(row) ? ['0'] : [])]
      : row.choices
        ? misspelt(row.choices[0]!)
        : [];
    return [
      ...wrong.map((value): WrongLine => [[...before, `${flag}=${value}`], value, / takes /]),
      ...(row.flags.includes('<')
        ? ([[[...before, flag], flag, /needs a value/]] satisfies WrongLine[])
        : []),
    ];
  });
}

/** What the folder holds: paths and sizes. */
function contents(): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => `${path} ${statSync(join(folder, path)).size}`)
    .sort();
}

function problemOf(
  [args, named, advice]: WrongLine,
  { code, stderr }: Ended,
  tookMs: number,
): string | undefined {
  const said = `${JSON.stringify(args)} → ${code}: ${stderr}`;
  if (code === 0 || code === null) return `ended as if all was well: ${said}`;
  if (!/^rvbbit: /m.test(stderr)) return `no message: ${said}`;
  if (!stderr.includes(named)) return `does not name ${named}: ${said}`;
  if (!advice.test(stderr)) return `does not say what to do, ${advice}: ${said}`;
  if (/\n {4}at |\bE(?:NOENT|ISDIR|NOTDIR)\b|undefined/.test(stderr)) return `raw: ${said}`;
  return tookMs > LONGEST_MS ? `took ${Math.round(tookMs)} ms: ${said}` : undefined;
}

async function checkAll(
  what: string,
  lines: readonly WrongLine[],
  run: typeof rvbbitHere = rvbbitHere,
): Promise<readonly Ended[]> {
  reportCases(lines.length, what);
  const before = contents();
  const problems: string[] = [];
  const all: Ended[] = [];
  for (const wrong of lines) {
    const startedMs = performance.now();
    const ended = await run(wrong[0], { cwd: folder });
    all.push(ended);
    const problem = problemOf(wrong, ended, performance.now() - startedMs);
    if (problem !== undefined) problems.push(problem);
    const now = contents();
    if (now.join('\n') !== before.join('\n')) {
      problems.push(`changed the folder: ${wrong[0].join(' ')}: ${now.join(', ')}`);
      break;
    }
  }
  assert.is(problems.join('\n'), '');
  return all;
}

test('a misspelt command is refused with a command that is spelt almost so', async () => {
  const lines = misspeltCommands();
  const ended = await checkAll('misspelt commands', lines);
  for (const [index, { stderr }] of ended.entries()) {
    const typed = lines[index]![0][0]!;
    const offered = /did you mean rvbbit (\w+)\?/.exec(stderr)?.[1];
    if (offered === undefined) continue;
    const isPart = offered.startsWith(typed) || typed.startsWith(offered);
    assert.ok(isPart || editDistance(typed, offered, 1) <= 1, `${typed}: ${offered}`);
  }
});

test('words that other tools have as commands are told what there is', async () => {
  await checkAll('words that are no commands', NO_COMMANDS);
});

test('a misspelt option is refused with the nearest one', async () => {
  await checkAll('misspelt options', misspeltOptions());
});

test('a value that an option does not take is refused with those that it takes', async () => {
  await checkAll('wrong values', wrongValues());
  await checkAll('wrong words', WORDS);
});

test('a file that is not there, or is of another kind, is told what to write instead', async () => {
  await checkAll('wrong files', FILES);
});

test('a wrong statement is told what to write', async () => {
  await checkAll('misspelt statements', statementLines('new.duckdb', SLIPS));
  await checkAll('wrong statements', statementLines('shop.duckdb', STATEMENTS));
});

test('processes end like the command lines of this process', async () => {
  const some = [
    NO_COMMANDS[0]!,
    NO_COMMANDS[9]!,
    FILES[0]!,
    FILES[20]!,
    ...statementLines('new.duckdb', SLIPS.slice(0, 1)),
  ];
  await checkAll('processes', some, rvbbit);
});

test('an empty script is no mistake', async () => {
  writeFileSync(join(folder, 'empty.sql'), '\n-- nothing\n');
  for (const [args, stdin] of [
    [[], ''],
    [[], '\n'],
    [['-f', 'empty.sql'], ''],
    [['new.duckdb'], ''],
  ] as const) {
    const { code, stdout, stderr } = await rvbbitHere(args, { cwd: folder, stdin });
    assert.equal([code, stdout, stderr], [0, '', '']);
  }
  assert.not.ok(readdirSync(folder).includes('new.duckdb'));
});

test.run();
