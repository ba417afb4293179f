import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { holdsDialect, parse, parseOnDemand, splitStatements } from '../../grammar/index.ts';
import { DIALECT, PLAIN } from './corpus.ts';

test('what DuckDB could parse is never taken for the dialect', () => {
  for (const source of PLAIN) assert.not(holdsDialect(source), source);
  const plain = [
    'RVBIT',
    'RVBIT.x',
    'run map',
    'map run',
    'CREATE TABLE t AS rvbit',
    '"RVBBIT" MAP',
  ];
  plain.push('SHOW rvbit', 'CREATE TYPE t AS rvbbit', 'SELECT 1; SELECT rvbbit map FROM t');
  for (const source of plain) assert.not(holdsDialect(source), source);
});

test('the dialect is known by its first words, however they are written', () => {
  for (const source of DIALECT) assert.ok(holdsDialect(source), source);
  const dialect = ['rvbbit', 'RvBbIt/**/mAp', 'SELECT 1; rvbbit nonsense', 'RVBBIT;', 'rvbit map'];
  dialect.push('explain analyze rvbbit', 'create table a.b.c as rvbbit', 'insert into t(a) rvbbit');
  for (const source of dialect) assert.ok(holdsDialect(source), source);
});

test('homoglyphs of a keyword are no keyword', () => {
  assert.not(holdsDialect("RVBBІT MAP 'x' USING (SELECT 1)".replace('RVB', 'АБВ')));
});

test('a slice says where its words begin and end', () => {
  const source = ' -- a\n SELECT 1 /* b */ ; -- c';
  const [slice, ...rest] = splitStatements(source);
  assert.equal(rest, []);
  assert.is(slice?.text, '-- a\n SELECT 1 /* b */');
  assert.is(source.slice(slice!.significant.start, slice!.significant.end), 'SELECT 1');
});

test('a comment beside a semicolon belongs to no statement', () => {
  for (const beside of ['-- @ parallel: 5', ' \t-- one', '\u00a0-- @ parallel: 5']) {
    const source = `SELECT 1;${beside}\n-- @ model: m\nSELECT 2;\r-- three\rSELECT 3`;
    assert.equal(
      splitStatements(source).map(({ text }) => text),
      ['SELECT 1', '-- @ model: m\nSELECT 2', '-- three\rSELECT 3'],
    );
    const { statements } = parse(source);
    assert.equal(
      statements.map(({ annotations }) => annotations.length),
      [0, 1, 0],
    );
  }
});

test('the source that ends inside a quote or comment is one statement to its end', () => {
  for (const tail of ["'a;", '"a;', '$$a;', '$t$a;$$', '/* a; /* */;', "E'\\';"]) {
    const slices = splitStatements(`SELECT 1; ${tail}`);
    assert.is(slices.length, 2, tail);
    assert.is(slices[1]?.unterminated?.start, 10, tail);
  }
});

test('parseOnDemand gives what parse gives', async () => {
  for (const source of [...DIALECT, ...PLAIN, 'SELECT 1; RVBBIT MAP (', "SELECT 'x", 'SELECT \0']) {
    assert.equal(await parseOnDemand(source), parse(source));
  }
});

test('plain SQL is read without loading the parser', () => {
  const seen = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = readFileSync(new URL(`../../grammar/${file}`, import.meta.url), 'utf8');
    for (const [, next] of code.matchAll(/^(?:import|export) .*from '\.\/([^']+)';$/gm))
      follow(next!);
  };
  follow('parse-on-demand.js');
  assert.ok(seen.has('scan.js'));
  assert.not(seen.has('parse.js'));
  assert.not(seen.has('chevrotain.js'));
});

test.run();
