import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cutInput } from '../../../src/cli/shell/cut-input.ts';
import { highlight } from '../../../src/cli/shell/highlight.ts';

test('typed text is complete at its last semicolon or command, and the prompt shows what is open', () => {
  const cases: [text: string, complete: string, open: string][] = [
    ['', '', '>'],
    ['SELECT 1', '', '-'],
    ['SELECT 1;', 'SELECT 1;', '>'],
    ['SELECT 1; -- done', 'SELECT 1; -- done', '>'],
    ['SELECT 1; SELECT (2', 'SELECT 1;', '('],
    ["SELECT 'a;", '', "'"],
    ['SELECT "a;', '', '"'],
    ['SELECT $tag$ a; $$', '', '$'],
    ['/* a; /* b */', '', '*'],
    ['-- only a comment', '', '>'],
    ['.tables', '.tables', '>'],
    ["\\d 'it", "\\d 'it", '>'],
    ['SELECT 1\n.tables', '', '-'],
    ["SELECT 'a\n.tables", '', "'"],
    ['SELECT 1; .tables', 'SELECT 1; .tables', '>'],
    ['SELECT .5;', 'SELECT .5;', '>'],
    ['SELECT (1;', 'SELECT (1;', '>'],
  ];
  for (const [text, complete, open] of cases) {
    const cut = cutInput(text);
    assert.equal([cut.complete, cut.open], [complete, open], text);
    assert.is(cut.complete + cut.rest, text);
  }
});

test('colours change no character, and what is open on earlier lines colours later ones', () => {
  const plain = (text: string) => text.replace(/\x1b\[\d+m/g, '');
  for (const text of [
    "SELECT 'a' || b -- c",
    '/* a */ x 1.5e3',
    "RVBBIT MAP 'x' USING (",
    '',
    'é $$ a',
  ]) {
    for (let from = 0; from <= text.length; from++) {
      assert.is(plain(highlight(text, from)), text.slice(from));
    }
  }
  const second = highlight("SELECT 'a\nselect', 1", 10);
  assert.match(second, /^\x1b\[32mselect'\x1b\[39m, \x1b\[36m1/);
  assert.match(highlight('SELECT map'), /\x1b\[34mSELECT\x1b\[39m map$/);
  assert.match(highlight("RVBBIT MAP 'a'"), /\x1b\[35mMAP/);
});

test.run();
