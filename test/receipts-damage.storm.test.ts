/** Receipts over a damaged journal: every view and command gives the rows of what is whole, and says what is not. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../src/duck/registry.ts';
import { Session } from '../src/duck/session.ts';
import { Engine } from '../src/index.ts';
import { Archive } from '../src/journal/disk/archive.ts';
import { DiskJournal } from '../src/journal/disk/disk-journal.ts';
import { realFileSystem } from '../src/journal/disk/file-system.ts';
import { LineBuffer } from '../src/journal/disk/line.ts';
import { listAnswers } from '../src/journal/disk/list-answers.ts';
import { listStatements } from '../src/journal/disk/list-statements.ts';
import { pruneFolder } from '../src/journal/disk/prune.ts';
import { recentRecords } from '../src/journal/disk/recent-records.ts';
import { verifyFolder } from '../src/journal/disk/verify.ts';
import { makeViews } from '../src/receipts/attach.ts';
import { SPEND_KEYS, spendSql } from '../src/receipts/spend.ts';
import { VIEWS } from '../src/receipts/views.ts';
import { rvbbit } from './cli/spawn.ts';
import { compact, fill } from './journal/maintenance-support.ts';
import { changes, SAMPLES } from './journal/record-changes.ts';
import { withFolder } from './journal/support.ts';
import { cases, mulberry, reportCases, seed } from './support/cases.ts';

const READS = [
  ...VIEWS.map(({ name }) => `SELECT * FROM rvbbit.main.${name}`),
  'SELECT t, seq, "at", session FROM rvbbit.main.records',
  // Which of several statements of one name is told of, is not decided.
  ...SPEND_KEYS.map((key) => `SELECT sum(calls), sum(cache_hits) FROM (${spendSql(key)})`),
];

const lease = await acquireDatabase(':memory:');
const session = await Session.open(lease);
test.after(async () => {
  await session.close();
  await lease.release();
});

/** A sum of fractions depends on the order in which DuckDB adds them. */
const FRACTION = /(?<!\d)\d{1,20}\.\d+/g;
const rounded = (digits: string) => Number(digits).toPrecision(9);

/** The rows of every read, in an order of their own, and the notices. */
async function readAll(folder: string) {
  const notices = await makeViews(session, folder);
  const results: string[][] = [];
  for (const sql of READS) {
    const rows = await (await session.run(sql)).rows('json');
    results.push(rows.map((row) => JSON.stringify(row).replace(FRACTION, rounded)).sort());
  }
  return { results, notices };
}

const damagedBy = (notices: readonly { readonly message: string }[]) =>
  Number(/^\d+/.exec(notices[0]?.message ?? '0')![0]);

async function problemsOf(folder: string): Promise<number> {
  const files = await verifyFolder(realFileSystem, folder, () => Archive.open());
  return files.reduce((sum, { problems }) => sum + problems.length, 0);
}

let written = 0;
/** Writes a segment of a process that is gone. */
function writeSegment(folder: string, lines: readonly string[]): string {
  written += 1;
  const buffer = new LineBuffer();
  for (const line of lines) buffer.add(line);
  const name = `20260131T101502.${String(written % 1_000).padStart(3, '0')}Z-${2 ** 22 + 1 + written}-9f3ac1d2.ndjson`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), buffer.bytes);
  return join(folder, name);
}

const GOOD = SAMPLES.map((record) => JSON.stringify(record));

test('records with one changed field are left out where they are damaged, and end no view and no command', async () => {
  await withFolder(async (root) => {
    const step = cases(3, 1);
    const all = [...changes()].filter((_, at) => at % step === seed % step);
    const folder = join(root, 'journal');
    const whole = join(root, 'whole', 'journal');
    for (let from = 0; from < all.length; from += 200) {
      const part = all.slice(from, from + 200).map((change, at) => ({
        ...change,
        json: change.json.replace('"seq":3,', `"seq":${10 + from + at},`),
      }));
      writeSegment(folder, [...GOOD, ...part.map(({ json }) => json)]);
      writeSegment(whole, [...GOOD, ...part.filter(({ may }) => may).map(({ json }) => json)]);
    }
    const damaged = all.filter(({ may }) => !may).length;
    assert.ok(damaged > 1_000);
    const { results, notices } = await readAll(folder);
    const expected = await readAll(whole);
    for (const [at, rows] of results.entries()) {
      assert.ok(rows.join('\n') === expected.results[at]!.join('\n'), READS[at]);
    }
    assert.is(damagedBy(notices), damaged);
    assert.is(damagedBy(expected.notices), 0);
    assert.is(await problemsOf(folder), damaged);
    const ignore = () => {};
    listStatements(realFileSystem, folder, ignore);
    listAnswers(realFileSystem, folder, ignore);
    recentRecords(realFileSystem, folder, Number.POSITIVE_INFINITY, ignore);
    pruneFolder({ files: realFileSystem, folder, nowMs: Date.now(), maxBytes: 0, isDry: true });
    assert.equal(await compact(root, { onDamage: ignore }), []);
    const { stderr, code } = await rvbbit(['cost', '--state-dir', root]);
    assert.is(code, 0, stderr);
    assert.match(stderr, `${damaged} damaged records or files`);
    reportCases(all.length, `changed records in ${READS.length} reads and 7 commands`);
  });
});

test('a changed record alone ends no view', async () => {
  const random = mulberry(seed);
  const all = [...changes()];
  const count = cases(6, all.length);
  await withFolder(async (root) => {
    for (let n = 0; n < count; n += 1) {
      const change = all[Math.floor(random() * all.length)]!;
      const folder = join(root, `${n}`);
      writeSegment(folder, [...GOOD, change.json]);
      const { notices } = await readAll(folder);
      assert.is(damagedBy(notices), change.may ? 0 : 1, change.what);
      assert.is(await problemsOf(folder), change.may ? 0 : 1, change.what);
      rmSync(folder, { recursive: true });
    }
  });
  reportCases(count, 'changed records, each alone');
});

test('bytes changed in segments and archives: what is whole is read, and as much is named as verify finds', async () => {
  const random = mulberry(seed + 1);
  const count = cases(6, 1_000);
  await withFolder(async (root) => {
    await fill(root);
    await compact(root);
    await fill(root);
    const folder = join(root, 'journal');
    const names = readdirSync(folder);
    const kinds = new Set<string>();
    for (let n = 0; n < count; n += 1) {
      const copy = join(root, `${n}`);
      mkdirSync(copy);
      for (const name of names) copyFileSync(join(folder, name), join(copy, name));
      const kind = n % 2 === 0 ? '.parquet' : '.ndjson';
      const among = names.filter((name) => name.endsWith(kind));
      const path = join(copy, among[Math.floor(random() * among.length)]!);
      const bytes = readFileSync(path);
      for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits -= 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      writeFileSync(path, random() < 0.3 ? bytes.subarray(0, random() * bytes.length) : bytes);
      const { notices } = await readAll(copy);
      // A key index no longer fits a changed segment. The views do not read it.
      for (const name of names) if (name.endsWith('.keys')) rmSync(join(copy, name));
      assert.is(damagedBy(notices), await problemsOf(copy), path);
      if (notices.length > 0) kinds.add(kind);
      rmSync(copy, { recursive: true });
    }
    assert.is(kinds.size, 2);
  });
  reportCases(count, 'damaged files');
});

test('an archive with other columns or without JSON is left out as a whole', async () => {
  const forms = [
    'SELECT 1 AS x',
    "SELECT 's' AS segment, 1 AS seq, 2 AS \"at\", 's' AS session, 'c' AS caller, 'rows' AS t, 3 AS json",
    "SELECT 's' AS segment, 1::BIGINT AS seq, now()::TIMESTAMP AS \"at\", 's' AS session, 'c' AS caller, 'rows' AS t, '{' AS json",
  ];
  for (const sql of forms) {
    await withFolder(async (root) => {
      await fill(root);
      await compact(root);
      const folder = join(root, 'journal');
      const before = await readAll(folder);
      const [name] = readdirSync(folder).filter((one) => one.endsWith('.parquet'));
      const other = join(folder, name!.replace(/^\d{4}/, '2020'));
      await session.run(`COPY (${sql}) TO '${other}' (FORMAT parquet)`);
      const after = await readAll(folder);
      assert.equal(after.results, before.results);
      assert.is(damagedBy(after.notices), 1);
      assert.is(await problemsOf(folder), 1);
    });
  }
});

test('files that are compacted or pruned while they are read end no statement', async () => {
  await withFolder(async (root) => {
    await using engine = await Engine.open({ stateDir: root, threads: 1 });
    let reads = 0;
    for (let round = 0; round < cases(2, 60); round += 1) {
      await fill(root);
      let isDone = false;
      const reading = (async () => {
        while (!isDone) {
          await engine.query('SELECT count(*) FROM rvbbit.unified_logs');
          reads += 1;
        }
      })();
      await compact(root);
      const folder = join(root, 'journal');
      pruneFolder({ files: realFileSystem, folder, nowMs: Date.now(), maxBytes: 0 });
      isDone = true;
      await reading;
      const { rows } = await engine.query('SELECT count(*) AS n FROM rvbbit.unified_logs');
      assert.ok(Number(rows[0]!['n']) >= 0);
    }
    for (const name of readdirSync(join(root, 'journal'))) rmSync(join(root, 'journal', name));
    const { rows } = await engine.query('SELECT count(*)::INTEGER AS n FROM rvbbit.cache');
    assert.equal(rows, [{ n: 0 }]);
    reportCases(reads, 'reads beside compact and prune');
  });
});

test('a statement over receipts tells in one notice what is left out, as rows and as a stream', async () => {
  await withFolder(async (root) => {
    const journal = await DiskJournal.open(root);
    await journal.close();
    writeSegment(join(root, 'journal'), [...GOOD, '{"v":2,"t":"rows","at":"x"}']);
    await using engine = await Engine.open({ stateDir: root, threads: 1 });
    const told = [
      {
        code: 'receipts_damaged',
        message:
          '1 damaged record or file of the journal is left out; rvbbit journal verify names them',
      },
    ];
    const result = await engine.query('SELECT count(*) FROM rvbbit.runs');
    assert.equal(result.notices, told);
    const stream = engine.stream('SELECT * FROM rvbbit.runs');
    let rows = 0;
    for await (const _ of stream) rows += 1;
    assert.is(rows, 1);
    assert.equal(stream.notices, told);
    assert.equal((await engine.query('SELECT 1')).notices, []);
  });
});

test.run();
