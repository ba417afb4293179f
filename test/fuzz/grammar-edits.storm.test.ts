import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from '../../grammar/index.ts';
import { DIALECT, PLAIN } from '../grammar/corpus.ts';
import { assertSound } from '../grammar/support.ts';
import { cases, reportCases } from '../support/cases.ts';

const CORPUS = [...DIALECT, ...PLAIN];
/** What is put in at each place of each statement in the full run. */
const INSERTED = [...'\'"$();,=-/*\0 x5', '\n'];

test('every beginning of every statement is read or told', () => {
  let count = 0;
  for (const source of CORPUS) {
    for (let end = 0; end <= source.length; end++, count++) assertSound(source.slice(0, end));
  }
  reportCases(count, 'prefixes');
});

test('every statement without one of its characters is read or told', () => {
  let count = 0;
  for (const source of CORPUS) {
    for (let at = 0; at < source.length; at++, count++) {
      assertSound(source.slice(0, at) + source.slice(at + 1));
    }
  }
  reportCases(count, 'deletions');
});

test('every statement with one character more is read or told', () => {
  let count = 0;
  for (const source of CORPUS) {
    for (const inserted of INSERTED.slice(0, cases(4, INSERTED.length))) {
      for (let at = 0; at <= source.length; at++, count++) {
        assertSound(source.slice(0, at) + inserted + source.slice(at));
      }
    }
  }
  reportCases(count, 'insertions');
});

test('a beginning that is a dialect statement cut short is told so', () => {
  const source = "RVBBIT MAP PARALLEL 5 'x.yaml' AS brand USING (SELECT 1)";
  for (let end = 'RVBBIT'.length; end < source.length; end++) {
    assert.is(parse(source.slice(0, end)).diagnostics.length, 1, source.slice(0, end));
  }
});

test.run();
