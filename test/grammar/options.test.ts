import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ANNOTATIONS,
  annotationDiagnostics,
  completionsAt,
  type MapStatement,
  nearestSpelling,
  OPTIONS,
  parse,
  parseDurationMs,
  print,
} from '../../grammar/index.ts';
import { MAX_PARALLEL } from '../../grammar/limits.ts';
import { settingValues } from '../../grammar/setting-values.ts';
import { only, problem } from './support.ts';

const KEYS =
  'parallel batch service limit on_error error_column retries timeout deadline max_cost max_calls max_total_tokens rpm input_tpm output_tpm max_pairs cache dedupe model temperature max_tokens top_p reasoning_effort seed order strategy as_table schema result_column dedupe_by distinct label';

test('the options are those of the dialect', () => {
  assert.is([...OPTIONS.keys()].join(' '), KEYS);
  assert.is(OPTIONS.get('parallel')?.max, MAX_PARALLEL);
});

test('the annotations are those of the dialect', () => {
  assert.is(
    [...ANNOTATIONS.keys()].join(' '),
    'parallel batch model threshold temperature top_p reasoning_effort max_cost max_calls max_pairs on_error cache strategy timeout join prompt',
  );
});

test('the example of every option and annotation is right', () => {
  for (const { key, example, appliesTo } of OPTIONS.values()) {
    for (const verb of appliesTo) {
      const source = `RVBBIT ${verb} 'x' USING (q) WITH (${key} = ${example})`;
      assert.equal(parse(source).diagnostics, [], source);
    }
  }
  for (const { key, example } of ANNOTATIONS.values()) {
    const source = `-- @ ${key}: ${example}\nRVBBIT MAP 'x' USING (q)`;
    assert.equal(parse(source).diagnostics, [], source);
  }
});

test('every option refuses a value of another kind, and says what it takes', () => {
  const wrong: Readonly<Record<string, string>> = { string: '5', boolean: "'maybe'" };
  for (const { key, kinds, example } of OPTIONS.values()) {
    const value = key === 'cache' ? "'maybe'" : (wrong[kinds[0]!] ?? 'true');
    const found = problem(`RVBBIT MAP 'x' USING (q) WITH (${key} = ${value})`);
    assert.is(found.code, 'RVB_OPTION_TYPE', key);
    assert.ok(found.message.includes(`${key} = ${example}`), found.message);
  }
});

test('whole numbers, ranges and values are checked', () => {
  const refused = ['limit = 1.5', 'limit = -1', 'parallel = 0', 'temperature = -0.1', 'batch = 0'];
  refused.push("batch = 'all'", "order = 'random'", "timeout = '5 weeks'", 'timeout = -1');
  refused.push('max_cost = 1e999', 'seed = 9007199254740993', "model = ''", "as_table = ' '");
  for (const option of refused) {
    assert.is(problem(`RVBBIT MAP 'x' USING (q) WITH (${option})`).code, 'RVB_OPTION_TYPE', option);
  }
  const taken = ["batch = 'AUTO'", "on_error = 'default:'", "cache = '1d'", 'cache = 60'];
  taken.push('max_cost = .5', 'limit = 1_000', 'seed = -7', "timeout = '90'", '"limit" = 1');
  for (const option of taken) {
    const { diagnostics } = parse(`RVBBIT MAP 'x' USING (q) WITH (${option})`);
    assert.equal(diagnostics, [], option);
  }
});

test('a word may stand in any case, in an option as in an annotation, and the text after default: is kept', () => {
  const source = [
    '-- @ cache: FALSE',
    '-- @ on_error: Default:Not Known',
    '-- @ strategy: BATCH',
    '-- @ parallel',
    '-- @ model: 4',
    '-- @ max_cost: .5',
    "RVBBIT MAP 'x' USING (q) WITH (order = 'INPUT', cache = 'REFRESH', batch = 'Auto', label = 'Aa', timeout = 5)",
  ].join('\n');
  const { annotations, options } = only(source) as MapStatement;
  assert.equal(Object.fromEntries(settingValues(annotations, [])), {
    cache: false,
    on_error: 'default:Not Known',
    strategy: 'batch',
    parallel: 10,
    model: '4',
    max_cost: 0.5,
  });
  assert.equal(Object.fromEntries(settingValues([], options)), {
    order: 'input',
    cache: 'refresh',
    batch: 'auto',
    label: 'Aa',
    timeout: 5,
  });
  assert.is(settingValues(annotations, options).get('cache'), 'refresh');
  assert.is(print(only(source)).includes("order = 'INPUT'"), true);
});

test('RUN refuses what it does not know of on_error, as an option and as an annotation', () => {
  const option = problem("RVBBIT RUN 'x' USING (q)\nWITH (on_error = 'Skip')");
  assert.equal([option.code, option.line, option.column], ['RVB_OPTION_TYPE', 2, 18]);
  assert.match(option.message, /on_error takes 'null' or 'fail', but 'Skip' stands here/);
  const annotation = problem(
    "SELECT 1;\n-- @ on_error: default:x\nCREATE TABLE t AS RVBBIT RUN 'x' USING (q)",
  );
  assert.equal([annotation.code, annotation.line, annotation.column], ['RVB_OPTION_TYPE', 2, 1]);
  assert.equal(parse("-- @ on_error: FAIL\nRVBBIT RUN 'x' USING (q)").diagnostics, []);
  assert.equal(completionsAt("RVBBIT RUN 'x' USING (q) WITH (on_error = ", 42), [
    "'null'",
    "'fail'",
  ]);
});

test('annotations of plain SQL can be checked by who finds operators in it', () => {
  const source = 'SELECT 1;\n-- @ treshold: 0.5\nSELECT 2';
  const { statements, diagnostics } = parse(source);
  assert.equal(diagnostics, []);
  const [found] = annotationDiagnostics(source, statements[1]!.annotations);
  assert.equal(
    [found?.code, found?.line, found?.suggestion],
    ['RVB_UNKNOWN_OPTION', 2, 'threshold'],
  );
});

test('a long text that is no duration is refused in no time', () => {
  const started = performance.now();
  assert.is(parseDurationMs(`1${' '.repeat(200_000)}x`), undefined);
  assert.ok(performance.now() - started < 1_000);
});

test('durations are seconds, or have a unit', () => {
  const table: readonly (readonly [string | number, number | undefined])[] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5 S', 1_500],
    ['30', 30_000],
    [30, 30_000],
    [0.25, 250],
    [0, 0],
    [-1, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ['', undefined],
    ['5 weeks', undefined],
    ['5m 3s', undefined],
    ['-5s', undefined],
  ];
  for (const [value, ms] of table) assert.is(parseDurationMs(value), ms, String(value));
});

test('the nearest spelling forgives a swap, a slip and a missing letter, and no more', () => {
  const words = ['parallel', 'limit', 'label'];
  assert.is(nearestSpelling('paralell', words), 'parallel');
  assert.is(nearestSpelling('LIMTI', words), 'limit');
  assert.is(nearestSpelling('lable', words), 'label');
  assert.is(nearestSpelling('budget', words), undefined);
  assert.is(nearestSpelling('x'.repeat(100_000), words), undefined);
});

test.run();
