import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseFormat } from '../../src/cli/format/choose-format.ts';
import { startCsv, startTsv } from '../../src/cli/format/delimited.ts';
import { fitColumns } from '../../src/cli/format/fit-columns.ts';
import { startJson, startJsonl } from '../../src/cli/format/json.ts';
import { startLine } from '../../src/cli/format/line.ts';
import { startMarkdown } from '../../src/cli/format/markdown.ts';
import { startTable } from '../../src/cli/format/table.ts';
import { displayWidth, fitWidth } from '../../src/cli/text/width.ts';
import { TextSink, written } from './support.ts';

const AB = { a: 'INTEGER', b: 'VARCHAR' };

test('CSV tells NULL from the empty string and quotes by RFC 4180', async () => {
  const rows = [
    { a: 1, b: null },
    { a: 2, b: '' },
    { a: 3, b: 'x, "y"\nz' },
    { a: null, b: { k: ['v', 1] } },
  ];
  assert.is(
    await written(startCsv, AB, rows),
    'a,b\n1,\n2,""\n3,"x, ""y""\nz"\n,"{""k"":[""v"",1]}"\n',
  );
});

test('CSV without rows still has its header', async () => {
  assert.is(await written(startCsv, AB, []), 'a,b\n');
});

test('TSV quotes a value that holds a tab and leaves commas alone', async () => {
  assert.is(
    await written(startTsv, AB, [
      { a: 1, b: 'x\ty' },
      { a: 2, b: 'x,y' },
    ]),
    'a\tb\n1\t"x\ty"\n2\tx,y\n',
  );
});

test('JSON is one array with a row a line, and an empty array without rows', async () => {
  const text = await written(startJson, AB, [
    { a: 1, b: 'x' },
    { a: '9007199254740993', b: null },
  ]);
  assert.is(text, '[\n  {"a":1,"b":"x"},\n  {"a":"9007199254740993","b":null}\n]\n');
  assert.is(await written(startJson, AB, []), '[]\n');
});

test('JSON keeps the order of columns whose names are numbers', async () => {
  const text = await written(
    startJsonl,
    [
      ['b', 'INTEGER'],
      ['1', 'INTEGER'],
    ],
    [{ b: 1, '1': 2 }],
  );
  assert.is(text, '{"b":1,"1":2}\n');
});

test('JSON escapes what an 8-bit terminal would obey and means the same value', async () => {
  const text = await written(startJsonl, { a: 'VARCHAR' }, [{ a: 'x\u009b31m\u001b[0m' }]);
  assert.is(text, '{"a":"x\\u009b31m\\u001b[0m"}\n');
  assert.equal(JSON.parse(text), { a: 'x\u009b31m\u001b[0m' });
});

test('Markdown escapes pipes, line breaks and HTML', async () => {
  const text = await written(startMarkdown, { a: 'INTEGER', 'b|c': 'VARCHAR' }, [
    { a: 1, 'b|c': 'x|y\n<b>' },
    { a: null, 'b|c': null },
  ]);
  assert.is(text, '| a | b\\|c |\n| ---: | --- |\n| 1 | x\\|y<br>\\<b> |\n| NULL | NULL |\n');
});

test('Markdown puts an empty line between two result sets', async () => {
  const sink = new TextSink();
  await written(startMarkdown, { a: 'VARCHAR' }, [{ a: 'x' }], {}, sink);
  await written(startMarkdown, { a: 'VARCHAR' }, [{ a: 'y' }], {}, sink);
  assert.is(sink.text, '| a |\n| --- |\n| x |\n\n| a |\n| --- |\n| y |\n');
});

test('a table shows names, types, rows and their number', async () => {
  const text = await written(startTable, AB, [
    { a: 1, b: 'Sony' },
    { a: 20, b: null },
  ]);
  assert.is(
    text,
    [
      '┌─────────┬─────────┐',
      '│    a    │    b    │',
      '│ integer │ varchar │',
      '├─────────┼─────────┤',
      '│       1 │ Sony    │',
      '│      20 │ NULL    │',
      '└─────────┴─────────┘',
      '2 rows',
      '',
    ].join('\n'),
  );
});

test('a table leaves out rows in the middle beyond 40 and says so', async () => {
  for (const count of [40, 41, 99, 1000]) {
    const rows = Array.from({ length: count }, (_, a) => ({ a, b: 'x' }));
    const text = await written(startTable, AB, rows);
    const shown = [...text.matchAll(/^│ +(\d+) │ x/gm)].map(([, a]) => Number(a));
    const expected = rows.map(({ a }) => a).filter((a) => a < 20 || a >= count - 20);
    assert.equal(shown, expected, `${count} rows`);
    assert.ok(text.endsWith(count > 40 ? `\n${count} rows (40 shown)\n` : '\n40 rows\n'));
    assert.is(text.includes('·'), count > 40);
  }
});

test('a table shows every row when asked to', async () => {
  const rows = Array.from({ length: 100 }, (_, a) => ({ a, b: 'x' }));
  const text = await written(startTable, AB, rows, { all: true });
  assert.is([...text.matchAll(/│ x/g)].length, 100);
  assert.ok(text.endsWith('\n100 rows\n'));
});

test('a table fewer than 21 rows long is not padded with holes', async () => {
  const text = await written(startTable, { a: 'INTEGER' }, [{ a: 7 }]);
  assert.ok(text.endsWith('\n1 row\n'));
});

test('a value cannot drive the terminal through a table', async () => {
  const text = await written(startTable, { 'a\u001b': 'VARCHAR' }, [
    { 'a\u001b': '\u001b[2J\u009b\u0007\u202ex\n\ud800' },
  ]);
  assert.not(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]|\p{Cs}/u.test(text));
  assert.ok(text.includes('\\x1b[2J\\x9b\\x07\\u202ex\\n\\ud800'));
});

test('wide characters take two cells and combining marks none', () => {
  assert.is(displayWidth('abc'), 3);
  assert.is(displayWidth('日本'), 4);
  assert.is(displayWidth('e\u0301'), 1);
  assert.is(displayWidth('👩‍👩‍👧'), 2);
  assert.is(displayWidth('\u200b'), 0);
  assert.is(fitWidth('日本語', 5), '日本…');
  assert.is(fitWidth('日本語', 6), '日本語');
  assert.is(fitWidth('x'.repeat(1e6), 4), 'xxx…');
});

test('a table on a terminal is no wider than the terminal', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `column_${index}`);
  const types = Object.fromEntries(names.map((name) => [name, 'VARCHAR']));
  const row = Object.fromEntries(names.map((name) => [name, '日本語'.repeat(40)]));
  for (const columns of [40, 80, 81, 200]) {
    const text = await written(startTable, types, [row], { columns });
    for (const line of text.split('\n')) assert.ok(displayWidth(line) <= columns, line);
    assert.match(text, /30 columns \(\d+ shown\)/);
    assert.match(text, /column_0 .*column_29 /);
  }
});

test('a narrow column is kept whole while wide ones are cut', () => {
  assert.equal(
    fitColumns([5, 200], 60).map(({ width }) => width),
    [5, 48],
  );
  assert.equal(fitColumns([5, 200], undefined), [
    { column: 0, width: 5 },
    { column: 1, width: 200 },
  ]);
});

test("a file's name asks for its format", () => {
  assert.is(chooseFormat({ output: 'a.b/report.CSV' }), 'csv');
  assert.is(chooseFormat({ output: 'x.ndjson' }), 'jsonl');
  assert.is(chooseFormat({ output: 'x.txt' }), 'jsonl');
  assert.is(chooseFormat({ output: 'csv' }), 'jsonl');
  assert.throws(() => chooseFormat({ output: 'x.XLSX' }), /results are not written as \.XLSX/);
  assert.is(chooseFormat({ output: 'x.html', format: 'markdown' }), 'markdown');
});

test('line mode has a line for each column and an empty line between rows', async () => {
  const rows = [
    { id: 1, name: 'a\nb' },
    { id: 2, name: null },
  ];
  const text = await written(startLine, { id: 'INTEGER', name: 'VARCHAR' }, rows);
  assert.is(text, '  id = 1\nname = a\\nb\n\n  id = 2\nname = NULL\n');
  assert.is(await written(startLine, { id: 'INTEGER' }, []), '');
});

test.run();
