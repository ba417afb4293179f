import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError } from '../../src/cli/exit-codes.ts';
import { INSTEAD_OF_WORD } from '../../src/cli/instead.ts';
import { COMMANDS } from '../../src/cli/options.ts';
import { bindParams, checkParamsUsed, parametersIn, readParams } from '../../src/cli/params.ts';
import { parseArgs } from '../../src/cli/parse-args.ts';

const parse = (...args: string[]) => parseArgs(args);

async function usageError(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (thrown) {
    if (!(thrown instanceof CliError)) throw thrown;
    assert.is(thrown.verdict, 'usage');
    return `${thrown.message} ${thrown.hint ?? ''}`;
  }
  throw new Error('no usage error');
}

test('-c and -f keep the order in which they were given', async () => {
  const { command, words, options } = await parse(
    '-f',
    'a.sql',
    'shop.duckdb',
    '-c',
    '-- x',
    '-f',
    '-',
  );
  assert.is(command, 'query');
  assert.equal(words, ['shop.duckdb']);
  assert.equal(options.inputs, [
    { kind: 'file', path: 'a.sql' },
    { kind: 'sql', text: '-- x' },
    { kind: 'file', path: '-' },
  ]);
});

test('the first word is a subcommand even behind options', async () => {
  const { command, words } = await parse('--cascades', 'run', 'test', 'band.yaml');
  assert.is(command, 'test');
  assert.equal(words, ['band.yaml']);
  assert.equal((await parse('-c', 'run', '--quiet', 'test.duckdb')).words, ['test.duckdb']);
  const behind = await parse('--', 'run', '-x');
  assert.equal([behind.command, behind.words], ['query', ['run', '-x']]);
});

test('a path is a database even if it ends in the name of a subcommand', async () => {
  assert.is((await parse('./run')).command, 'query');
  assert.equal((await parse('./run')).words, ['./run']);
});

test('a misspelt subcommand gets the nearest spelling', async () => {
  assert.match(await usageError(() => parse('docter')), 'did you mean rvbbit doctor?');
  assert.match(await usageError(() => parse('query', '-c', 'SELECT 1')), "rvbbit [db] -c 'SQL'");
  assert.match(await usageError(() => parse('version')), 'rvbbit --version');
  assert.match(await usageError(() => parse('help', 'exlain')), 'did you mean rvbbit explain?');
});

test('a first word without suffix and slash is a command, or is told what there is', async () => {
  const said = await usageError(() => parse('warehouse', '-c', 'SELECT 1'));
  assert.match(said, "'warehouse' is neither a command nor a database that exists");
  assert.match(said, 'write ./warehouse or warehouse.duckdb');
  assert.match(await usageError(() => parse('repl')), 'rvbbit [db] on a terminal is the shell');
  for (const word of ['./warehouse', 'warehouse.duckdb', ':memory:', 'md:shop', 'package.json']) {
    assert.equal((await parse(word)).words, [word]);
  }
});

test('no word that has advice of its own is a command', () => {
  for (const word of INSTEAD_OF_WORD.keys()) {
    assert.ok(word === 'query' || !Object.hasOwn(COMMANDS, word), word);
  }
});

test('a misspelt option gets the nearest spelling', async () => {
  assert.match(await usageError(() => parse('--cascade', 'x')), '--cascades');
  assert.match(await usageError(() => parse('run', 'x.yaml', '--stats')), 'unknown option');
});

test('SQL, a script or a cascade in the place of the database is explained', async () => {
  assert.match(await usageError(() => parse('select 1')), '-c');
  assert.match(await usageError(() => parse('report.sql')), '-f report.sql');
  assert.match(await usageError(() => parse('band.yaml')), 'rvbbit run band.yaml');
});

test("DuckDB's spellings of formats are understood, but not inside values", async () => {
  assert.is((await parse('-csv', '-c', 'select 1')).options.format, 'csv');
  assert.is((await parse('-c', 'select 1', '--markdown')).options.format, 'markdown');
  const { options, words } = await parse('-c', '-csv', '--', '-json');
  assert.equal([options.inputs, options.format], [[{ kind: 'sql', text: '-csv' }], undefined]);
  assert.equal(words, ['-json']);
  assert.match(
    await usageError(() => parse('explain', '--csv')),
    '--format takes text, tree, json',
  );
  assert.is((await parse('doctor', '--json')).options.json, true);
  assert.is((await parse('ops', 'list', '--json')).options.format, 'json');
});

test("DuckDB's spellings with one dash are understood", async () => {
  const { options, words } = await parse('-readonly', 'a.duckdb', '-init', 'a.sql', '-s');
  assert.equal(
    [words, options.readonly, options.init, options.silent],
    [['a.duckdb'], true, 'a.sql', true],
  );
  assert.is((await parse('-silent', '-line')).options.silent, true);
});

test('-o with the name of standard output is as no -o', async () => {
  for (const output of ['-', '/dev/stdout']) {
    assert.is((await parse('-c', 'SELECT 1', '-o', output)).options.output, undefined);
    assert.is((await parse('-c', '-- x', '-o', output)).options.output, undefined);
  }
});

test('numbers are whole and from 1', async () => {
  assert.is((await parse('--parallel', '8')).options.parallel, 8);
  for (const text of ['0', '-1', '1.5', 'x', '']) {
    assert.match(await usageError(() => parse('--parallel', text)), 'whole number');
  }
});

test('parameters are JSON where they parse and text where they do not', async () => {
  const values = readParams([
    'a=1',
    'b=x=y',
    'c=null',
    'd="1"',
    'e=9007199254740993',
    'f=',
    '$g=[1]',
    'zip=01234',
  ]);
  assert.equal(Object.fromEntries(values), {
    a: 1,
    b: 'x=y',
    c: null,
    d: '1',
    e: 9007199254740993n,
    f: '',
    g: [1],
    zip: '01234',
  });
  assert.match(await usageError(() => readParams(['a'])), 'name=value');
  assert.match(await usageError(() => readParams(['a=1', 'a=2'])), 'twice');
});

test('parameters are found outside strings, names and comments', async () => {
  const sql = `SELECT $a, '$b', "$c", $$ $d $$ -- $e\n, $2::INT /* $f */ WHERE x = $höhe`;
  assert.equal([...parametersIn(sql)].sort(), ['2', 'a', 'höhe']);
  assert.equal([...parametersIn("SELECT ?, '?', ?")], ['1', '2']);
});

test('a statement is bound to the parameters that it names, by number or by name', async () => {
  const values = readParams(['1=x', '2=y', 'n=z']);
  assert.equal(bindParams('SELECT $2, $1', values), ['x', 'y']);
  assert.equal(bindParams('SELECT ?', values), ['x']);
  assert.equal(bindParams('SELECT $n', values), { n: 'z' });
  assert.is(bindParams('SELECT 1', values), undefined);
});

test('a parameter that no statement names is a usage error with the nearest name', async () => {
  assert.match(
    await usageError(() => checkParamsUsed(['SELECT $brand'], readParams(['brnad=1']))),
    'did you mean brand?',
  );
});

test('options may be written in every way that is usual', async () => {
  const long = ['--keep-going', '--no-color', '-q', '--parallel', '4', '--format=csv', '-oout.csv'];
  assert.equal((await parse(...long)).options, {
    keepGoing: true,
    color: false,
    quiet: true,
    parallel: 4,
    format: 'csv',
    output: 'out.csv',
    inputs: [],
    param: [],
  });
  const short = await parse('-qc', '-- a comment', '--param', 'a=1', '--param=b=2', '--', '-x');
  assert.equal(short.words, ['-x']);
  assert.equal(short.options, {
    quiet: true,
    inputs: [{ kind: 'sql', text: '-- a comment' }],
    param: ['a=1', 'b=2'],
  });
  assert.equal((await parse('-')).words, ['-']);
  assert.is((await parse('--format', 'csv', '--format', 'tsv')).options.format, 'tsv');
});

test('an option that is wrong is told with what it takes', async () => {
  for (const [args, said] of [
    [['-c'], '--command needs a value: -c, --command <sql> rvbbit --help'],
    [['run', 'x.yaml', '--input'], '--input needs a value: --input <json> rvbbit run --help'],
    [
      ['--format', 'xml'],
      "--format takes table, csv, tsv, json, jsonl, markdown, line, parquet, none, not 'xml'",
    ],
    [['--quiet=1'], "--quiet takes no value, and not '1'"],
    [['-x'], "unknown option '-x' rvbbit --help"],
    [['--nope=3'], "unknown option '--nope'"],
    [['--no-stat'], "unknown option '--no-stat' did you mean --no-state?"],
    [['--constructor'], "unknown option '--constructor'"],
  ] as const) {
    assert.match(await usageError(() => parse(...args)), said);
  }
});

test.run();
