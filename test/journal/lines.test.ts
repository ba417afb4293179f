/** Lines and indexes: every record through a segment and back, and how damage is told. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hashKey } from '../../src/journal/disk/key-hash.ts';
import { decodeIndex, encodeIndex, type SegmentIndex } from '../../src/journal/disk/key-index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { type Damage, type ReadLine, readLines } from '../../src/journal/disk/segment-reader.ts';
import { SegmentScan } from '../../src/journal/disk/segment-scan.ts';
import type { StoredRecord } from '../../src/journal/disk/stored-record.ts';
import { RECORD_VERSION } from '../../src/journal/records.ts';
import { summaryWith } from '../cli/support.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { answered, keyOf } from './support.ts';

/** Reads bytes as a segment, `step` at a time. */
function readBack(bytes: Buffer, step = 65_536): { lines: ReadLine[]; damages: Damage[] } {
  const lines: ReadLine[] = [];
  const damages: Damage[] = [];
  readLines(
    (position) => bytes.subarray(position, position + step),
    's',
    0,
    (line) => lines.push(line),
    (damage) => damages.push(damage),
  );
  return { lines, damages };
}

test('a line begins with the CRC-32 of its JSON, as any tool computes it', () => {
  const buffer = new LineBuffer();
  buffer.add('123456789');
  assert.is(buffer.bytes.toString(), 'cbf43926 123456789\n');
});

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\ud800', '\udfff x', '\u2028\u2029', '\0', '\n\r\n', '"\\', '𝒳'.repeat(50), ''),
);
const count = fc.nat(2 ** 40);
const failure = fc.record({ code: fc.constant('RVB_MODEL_HTTP' as const), message: text });
const entry = fc.oneof(
  fc.record(
    {
      t: fc.constant('statement.open'),
      sql: text,
      kind: fc.constant('map'),
      origin: text,
      label: text,
      parallel: count,
      cascade: text,
    },
    { requiredKeys: ['t', 'sql', 'kind', 'origin', 'parallel'] },
  ),
  fc.record({ t: fc.constant('statement.read'), rows: count, runs: count, deduped: count }),
  fc.record({
    t: fc.constant('rows'),
    first: count,
    count,
    ok: count,
    null: count,
    failed: count,
    skipped: count,
    failures: fc.array(
      fc.record({ ordinal: count, code: fc.constant('RVB_CELL'), message: text, attempts: count }),
    ),
  }),
  fc.record({
    t: fc.constant('attempt.start'),
    attempt: text,
    cell: text,
    callKey: text,
    n: count,
    provider: text,
    model: text,
    lane: count,
  }),
  fc.record(
    {
      t: fc.constant('attempt.end'),
      attempt: text,
      outcome: fc.constantFrom('ok', 'failed'),
      status: count,
      tokensIn: count,
      tokensOut: count,
      costMicroUsd: fc.option(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
      costStatus: fc.constantFrom('settled', 'uncosted'),
      durationMs: count,
      callKey: text,
      value: fc.oneof(
        text,
        fc.nat(1_048_576).map((length) => 'é'.repeat(length / 2)),
      ),
      error: failure,
      raw: text,
    },
    {
      requiredKeys: [
        't',
        'attempt',
        'outcome',
        'tokensIn',
        'tokensOut',
        'costMicroUsd',
        'costStatus',
        'durationMs',
      ],
    },
  ),
  fc.record({
    t: fc.constant('cache.hits'),
    count: fc.nat(),
    savedMicroUsd: fc.option(fc.nat()),
    cell: text,
    provider: text,
    model: text,
  }),
  fc.record({ t: fc.constant('worker.lost'), reason: text }),
  fc.record({ t: fc.constant('run.stalled'), run: fc.nat(), limitMs: fc.nat() }),
  fc.record({
    t: fc.constant('statement.close'),
    summary: text.map((reason) => summaryWith({ reason })),
  }),
  fc.record({ t: fc.constant('moon.phase'), phase: fc.jsonValue() }),
  fc.record(
    { t: fc.constant('cache.clear'), before: count, keys: fc.array(text) },
    { requiredKeys: ['t', 'before'] },
  ),
  fc.record(
    {
      t: fc.constant('answer'),
      callKey: text,
      value: text,
      tokensIn: count,
      tokensOut: count,
      costMicroUsd: fc.constant(null),
      model: text,
    },
    { requiredKeys: ['t', 'callKey', 'value', 'tokensIn', 'tokensOut', 'costMicroUsd'] },
  ),
);
const record = fc
  .tuple(
    fc.record({
      v: fc.constant(RECORD_VERSION),
      seq: count,
      at: count,
      session: text,
      caller: text,
    }),
    entry,
  )
  .map(([base, more]) => ({ ...base, ...more }) as unknown as StoredRecord);

test('every kind of record comes back as it was, whatever its strings and wherever a read ends', () => {
  const runs = cases(100, 50_000);
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 6 }),
      fc.constantFrom(7, 100, 65_536),
      (records, step) => {
        const buffer = new LineBuffer();
        for (const each of records) buffer.add(JSON.stringify(each));
        const small = buffer.length < 20_000 ? step : 65_536;
        const { lines, damages } = readBack(Buffer.from(buffer.bytes), small);
        assert.equal(damages, []);
        assert.equal(
          lines.map((line) => line.record),
          JSON.parse(JSON.stringify(records)),
        );
      },
    ),
    { seed, numRuns: runs },
  );
  reportCases(runs, 'lists of records through lines');
});

test('a line says where it stands, and damage says which line', () => {
  const buffer = new LineBuffer();
  for (let n = 0; n < 5; n += 1) buffer.add(JSON.stringify(answered(n, keyOf(n), 'x')));
  const bytes = Buffer.from(buffer.bytes);
  const third = readBack(bytes).lines[2]!;
  bytes[third.offset + 20]! ^= 1;
  const { lines, damages } = readBack(bytes);
  assert.is(lines.length, 4);
  assert.equal(
    damages.map(({ line, offset }) => ({ line, offset })),
    [{ line: 3, offset: third.offset }],
  );
});

const SEGMENT = '20260131T101502.123Z-4242-9f3ac1d2.ndjson';

function indexIn(bytes: Buffer, segment = SEGMENT): SegmentIndex | undefined {
  const decoded = decodeIndex(bytes, segment);
  return 'index' in decoded ? decoded.index : undefined;
}

test("an index comes back as it was, and a damaged one or another segment's is none", () => {
  const scan = new SegmentScan();
  const keys = cases(30, 100);
  for (let n = 0; n < keys; n += 1) scan.observe(answered(n, keyOf(n), 'x'), 300 * n, 299);
  const bytes = encodeIndex(scan.index(true), SEGMENT);
  const back = indexIn(bytes)!;
  assert.is(back.closed, true);
  assert.is(back.covered, 300 * keys);
  assert.is(back.keys.count, keys);
  for (let n = 0; n < keys; n += 1) {
    const { high, low } = hashKey(keyOf(n));
    assert.equal([back.keys.high[n], back.keys.low[n]], [high, low]);
    assert.is(back.keys.offset[n], 300 * n);
  }
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 1 << (at % 8);
    assert.is(indexIn(damaged), undefined, `byte ${at}`);
    assert.is(indexIn(bytes.subarray(0, at)), undefined, `cut at ${at}`);
  }
  assert.is(indexIn(bytes, SEGMENT.replace('4242', '4243')), undefined);
  reportCases(2 * bytes.length, 'damaged indexes');
});

test('the hash of a key is the first 64 bits of the SHA-256 that it is', () => {
  assert.equal(hashKey('0123456789abcdeffedcba9876543210'), { high: 0x01234567, low: 0x89abcdef });
  assert.equal(hashKey('no key at all'), { high: 0, low: 0 });
});

test.run();
