/** The page of a statement: it stands alone, shows hostile text as text, and says what happened. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JournalRecord } from '../../src/journal/records.ts';
import { loadPlotting } from '../../src/report/plotting.ts';
import { statementPage } from '../../src/report/statement-page.ts';
import { ended, hits, opened, recordsFrom, started } from './records.ts';

const HOSTILE = `</script></title></pre><img src=x onerror="alert(1)">' & "`;

async function pageOf(records: readonly JournalRecord[]): Promise<string> {
  return statementPage(await loadPlotting(), records);
}

function failing(message: string): JournalRecord[] {
  return recordsFrom([
    [0, opened(`SELECT '${message}'`, 1)],
    [10, started(`a${message}`, 'A')],
    [30, ended(`a${message}`, 20, 429, message)],
    [100, started('a2', 'A', 2, 40)],
    [120, ended('a2', 20)],
  ]);
}

test('the page needs no network and runs nothing', async () => {
  const page = await pageOf(failing('no'));
  assert.equal([...new Set(page.match(/\w+:\/\/[^"'\s<]*/g))], ['http://www.w3.org/2000/svg']);
  assert.not.match(page, /<script|<link|<iframe|@import|url\(|\son\w+=/i);
  assert.match(page, `content="default-src 'none'; style-src 'unsafe-inline'"`);
  assert.match(page, 'color-scheme: light dark');
});

test('hostile text in the SQL and in what a provider says is shown as text', async () => {
  const page = await pageOf(failing(HOSTILE));
  assert.not.match(page, '<img');
  assert.not.match(page, '</script>');
  assert.is(page.split('</title></pre>').length, 1);
  assert.match(page, '&lt;/script&gt;&lt;/title&gt;&lt;/pre&gt;&lt;img src=x onerror=');
  assert.is(page.split('<pre>').length, page.split('</pre>').length);
});

test('every kind of bar is drawn and named, with its share of the time', async () => {
  const page = await pageOf([
    ...failing('no'),
    ...recordsFrom([[0, hits(3)]]).map((one) => ({ ...one, seq: 99 })),
  ]);
  for (const name of [
    'call 17 %',
    '429 17 %',
    'back-off 25 %',
    'queue 33 %',
    'idle 8 %',
    'stored answers',
  ]) {
    assert.match(page, `</i>${name}</li>`);
  }
  assert.match(
    page,
    'waiting for the limiter, which holds calls back after an answer 429, 33 % of',
  );
  assert.match(page, /<dt>answers 429<\/dt><dd>1<\/dd>/);
});

test('a statement that asked no model, and one without an end, say so', async () => {
  const stored = await pageOf(
    recordsFrom([
      [0, opened('FROM t', 4)],
      [2_000, hits(1_200)],
    ]),
  );
  assert.match(
    stored,
    '2.00 s, without a model call; 1,200 stored answers took the place of calls',
  );
  assert.not.match(stored, '<svg', 'there is nothing to draw');
  const killed = await pageOf(
    recordsFrom([
      [0, opened('FROM t', 4)],
      [5, started('a', 'A')],
      [9, hits(1)],
    ]),
  );
  assert.match(killed, 'incomplete: killed');
  assert.match(killed, 'it still runs, or its process was killed');
});

test('a large statement is a small file', async () => {
  const lanes = 300;
  const records = recordsFrom([
    [0, opened('FROM t', lanes)],
    ...Array.from({ length: 12_000 }, (_, index) => {
      const at = Math.floor(index / lanes) * 100;
      return [
        [at, started(`a${index}`, `k${index}`)] as const,
        [
          at + 50 + (index % 50),
          ended(`a${index}`, 50 + (index % 50), index % 9 === 0 ? 503 : 200),
        ] as const,
      ];
    }).flat(),
  ]);
  const page = await pageOf(records);
  assert.ok(page.length < 3e6, String(page.length));
  assert.match(page, 'n = 300');
});

test.run();
