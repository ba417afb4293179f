/** The page of a statement: it stands alone, shows hostile text as text, and says what happened. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JournalRecord } from '../../src/journal/records.ts';
import { loadPlotting } from '../../src/report/plotting.ts';
import { statementPage } from '../../src/report/statement-page.ts';
import { closed, ended, hits, opened, recordsFrom, started } from './records.ts';

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
    'start-up 8 %',
    'idle 0 %',
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
  assert.not.match(stored, 'speed-up');
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

/** The page of calls of 40 ms in waves of `parallel`, the first wave after 100 ms, in a statement that takes `wallMs`. */
async function pageOfCalls(count: number, parallel: number, wallMs: number): Promise<string> {
  const calls = Array.from({ length: count }, (_, index) => {
    const at = 100 + 50 * Math.floor(index / parallel);
    return [
      [at, started(`a${index}`, `k${index}`)] as const,
      [at + 40, ended(`a${index}`, 40)] as const,
    ];
  }).flat();
  const records = recordsFrom([
    [0, opened('FROM t', parallel)],
    ...calls,
    [wallMs, closed(wallMs)],
  ]);
  return pageOf(records);
}

test('the speed-up is the time of all calls divided by the wall time, beside n', async () => {
  const page = await pageOfCalls(20, 4, 360);
  assert.match(
    page,
    'The 20 calls took 800 ms in all, and the statement 360 ms: a speed-up of 2.2 at n = 4.',
  );
  assert.match(page, 'No order of these calls takes less than 200 ms');
  assert.match(page, '<dt>speed-up</dt><dd>2.2 (n = 4)</dd>');
  assert.match(page, '<dt>all calls together</dt><dd>800 ms</dd>');
});

test('no speed-up is said where calls cannot gain by each other', async () => {
  for (const [count, parallel, wallMs, said] of [
    [
      1,
      4,
      150,
      'one call of 40 ms: no other call ran beside it. What cost most of the rest: start-up',
    ],
    [3, 1, 250, 'the statement 250 ms: at n = 1 one call goes out after another.'],
    [2, 4, 900, 'the statement 900 ms: no speed-up, although n = 4.'],
  ] as const) {
    const page = await pageOfCalls(count, parallel, wallMs);
    assert.match(page, said);
    assert.not.match(page, 'a speed-up of');
    assert.not.match(page, '<dt>speed-up</dt>');
  }
});

test('the time before the first call is called start-up, in the legend, the figures and the text', async () => {
  const page = await pageOfCalls(8, 4, 200);
  assert.match(page, '</i>start-up 50 %</li>');
  assert.match(page, '<dt>start-up</dt><dd>100 ms</dd>');
  assert.match(
    page,
    /What cost most of the rest: start-up, in which [^.]*, 50 % of the lanes&#39; time/,
  );
  assert.not.match(page, 'lanes that had no call to make');
  assert.match(page, '<title>start-up, 100 ms</title>');
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
