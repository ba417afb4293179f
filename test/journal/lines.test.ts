/** Lines: the checksum, and every record through a segment and back. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c } from '../../src/journal/disk/crc32c.ts';
import { hashKey } from '../../src/journal/disk/key-hash.ts';
import { decodeIndex, encodeIndex } from '../../src/journal/disk/key-index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { type Damage, type ReadLine, readLines } from '../../src/journal/disk/segment-reader.ts';
import { SegmentScan } from '../../src/journal/disk/segment-scan.ts';
import type { StoredRecord } from '../../src/journal/disk/stored-record.ts';
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

/** One bit at a time, as the definition has it. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('the checksum is CRC-32C: the vectors of RFC 3720', () => {
  const range = Uint8Array.from({ length: 32 }, (_, n) => n);
  const vectors: readonly [Uint8Array, number][] = [
    [Buffer.from('123456789'), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [range, 0x46dd794e],
    [range.toReversed(), 0x113fdb5c],
    [new Uint8Array(0), 0],
  ];
  for (const [bytes, sum] of vectors) assert.is(crc32c(bytes), sum);
});

test('the checksum agrees with its definition, for any length and start', () => {
  const runs = cases(2_000, 100_000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, start) => {
      const from = Math.min(start, bytes.length);
      return crc32c(bytes, from) === slowCrc(bytes.subarray(from));
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, 'checksums');
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
      costMicroUsd: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
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
    callKeys: fc.array(text),
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
    fc.record({ v: fc.constant(1), seq: count, at: count, session: text, caller: text }),
    entry,
  )
  .map(([base, more]) => ({ ...base, ...more }) as unknown as StoredRecord);

test('every kind of record comes back as it was, whatever its strings and wherever a read ends', () => {
  const runs = cases(1_000, 50_000);
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

test('an index comes back as it was, and a damaged one is none', () => {
  const scan = new SegmentScan();
  for (let n = 0; n < 100; n += 1) scan.observe(answered(n, keyOf(n), 'x'), 300 * n, 299);
  const bytes = encodeIndex(scan.index(true));
  const back = decodeIndex(bytes)!;
  assert.is(back.closed, true);
  assert.is(back.covered, 30_000);
  assert.is(back.keys.count, 100);
  for (let n = 0; n < 100; n += 1) {
    const { high, low } = hashKey(keyOf(n));
    assert.equal([back.keys.high[n], back.keys.low[n]], [high, low]);
    assert.is(back.keys.offset[n], 300 * n);
  }
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 1 << (at % 8);
    assert.is(decodeIndex(damaged), undefined, `byte ${at}`);
    assert.is(decodeIndex(bytes.subarray(0, at)), undefined, `cut at ${at}`);
  }
  reportCases(2 * bytes.length, 'damaged indexes');
});

test('keys that differ have hashes that differ', () => {
  const seen = new Set<string>();
  const total = cases(200_000, 2_000_000);
  for (let n = 0; n < total; n += 1) {
    const { high, low } = hashKey(keyOf(n));
    seen.add(`${high}:${low}`);
  }
  assert.is(seen.size, total);
  reportCases(total, 'key hashes');
});

test.run();
