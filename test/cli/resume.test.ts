/** `rvbbit resume`: what it lists, what it asks again after a kill or a change, and that one process does it at a time. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type QueryResult, RvbbitError } from '../../src/index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { lockRun } from '../../src/journal/run-lock.ts';
import type { SimulatorScript } from '../../src/simulator/script.ts';
import { spawnSimulator } from '../../src/simulator/spawn.ts';
import { readRecords } from '../kill/journal-files.ts';
import { runChild } from '../kill/run-child.ts';
import { cases, reportCases } from '../support/cases.ts';
import { makeFolder, removeFolder, rvbbit } from './spawn.ts';

const ASK = `cascade_id: ask
cells:
  - name: ask
    instructions: "Row {{ input.n }}"
`;
const CONFIG =
  'model: sim/test-model\nproviders: { sim: { type: openai-compatible, base_url: "URL" } }\n';

interface Place {
  readonly folder: string;
  readonly stateDir: string;
  open(options?: EngineOptions): Promise<Engine>;
  rvbbit: typeof rvbbit;
  /** Calls that the server has seen. */
  calls(): Promise<number>;
}

const server = await spawnSimulator();
test.after(() => server.close());

/** A working folder with cascades, and the server as new. */
async function withPlace(
  files: Readonly<Record<string, string>>,
  script: SimulatorScript,
  use: (place: Place) => Promise<void>,
): Promise<void> {
  await server.reset();
  await server.script({ rules: [], latency: { kind: 'constant', ms: 0 }, ...script });
  const folder = makeFolder({
    'ask.yaml': ASK,
    'rvbbit.config.yaml': CONFIG.replace('URL', server.url),
    ...files,
  });
  const stateDir = join(folder, '.rvbbit');
  try {
    await use({
      folder,
      stateDir,
      open: (more) =>
        Engine.open({
          cascades: folder,
          threads: 1,
          providers: { sim: { baseUrl: server.url } },
          model: 'sim/test-model',
          stateDir,
          ...more,
        }),
      rvbbit: (args, settings) => rvbbit(args, { cwd: folder, ...settings }),
      calls: async () => (await server.summary()).totals.calls,
    });
  } finally {
    removeFolder(folder);
  }
}

function mapOf(rows: number, parallel = 4): string {
  return `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(${rows}) ORDER BY n)`;
}

/** Runs the statement in a process that is killed `ms` after its first call. */
async function killed(place: Place, sql: string, ms: number): Promise<void> {
  const { stateDir, folder } = place;
  const task = { url: server.url, stateDir, cascades: folder, streams: true, sql };
  assert.is((await runChild(task, { after: 'first-call', ms })).signal, 'SIGKILL');
}

async function listed(place: Place): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await place.rvbbit(['resume', '--list']);
  assert.is(code, 0, stderr);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function rowsOf(stdout: string): unknown[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function expected(rows: number): unknown[] {
  return Array.from({ length: rows }, (_, n) => ({ n, v: `Row ${n}` }));
}

test('a killed statement is listed, resumed to its end, and no longer listed', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 50 } }, async (place) => {
    assert.is((await place.rvbbit(['resume', '--list'])).code, 3, 'there is no journal yet');
    const sql = `-- @ cache: true\n${mapOf(60)}`;
    await killed(place, sql, 400);
    const [statement, ...others] = await listed(place);
    assert.is(others.length, 0);
    const { session, ending, rows, in_flight, settled, calls } = statement!;
    assert.equal([ending, rows], ['killed', 60]);
    assert.ok(Number(in_flight) > 0 && Number(in_flight) <= 4);
    assert.ok(Number(settled) < Number(calls));
    const before = await place.calls();
    const first = await place.rvbbit(['resume', String(session), '--stats']);
    assert.is(first.code, 0, first.stderr);
    assert.equal(rowsOf(first.stdout), expected(60));
    assert.match(first.stderr, `resuming ${session} (killed)`);
    assert.match(first.stderr, `${in_flight} calls were in flight when an earlier run was killed`);
    assert.ok((await place.calls()) - before <= 60 - Number(settled));
    assert.ok((await place.calls()) <= 60 + Number(in_flight));
    assert.equal(await listed(place), []);
    const again = await place.rvbbit(['resume', String(session)]);
    assert.is(again.code, 2);
    assert.match(again.stderr, /no statement that has not completed/);
    const opened = readRecords(place.stateDir).filter(({ t }) => t === 'statement.open');
    assert.is((opened[1] as unknown as { resumes: string }).resumes, session);
    assert.match((opened[1] as unknown as { sql: string }).sql, /^-- @ cache: true/);
  }));

test('what ran into its budget or deadline is listed with the reason; a prefix must be unique', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 30 } }, async (place) => {
    await using engine = await place.open();
    await engine.query(`${mapOf(10)} WITH (max_calls = 3)`);
    const late = await engine
      .query(`${mapOf(40, 1)} WITH (deadline = '500ms', cache = false)`)
      .catch((error: unknown) => error);
    assert.instance(late, RvbbitError);
    await engine.query("RVBBIT MAP 'ask.yaml' USING (SELECT 7 AS n)");
    await engine.query(`EXPLAIN ${mapOf(3)}`);
    const statements = await listed(place);
    assert.equal(
      statements.map(({ ending }) => ending),
      ['deadline', 'budget'],
    );
    assert.is(statements[1]!['settled'], 3);
    const both = await place.rvbbit(['resume', 'udf-']);
    assert.is(both.code, 2);
    assert.match(both.stderr, /begins several sessions/);
    const one = await place.rvbbit(['resume', String(statements[1]!['session'])]);
    assert.is(one.code, 6, 'the budget is part of the SQL and holds again');
  }));

test('parameters have to be given again, and no journal holds them', () =>
  withPlace({}, { latency: { kind: 'constant', ms: 50 } }, async (place) => {
    await using engine = await place.open();
    const sql =
      "RVBBIT MAP 'ask.yaml' AS v USING (SELECT $secret::INTEGER + range::INTEGER AS n FROM range(4)) WITH (max_calls = 2)";
    await engine.query(sql, { secret: 987_654 });
    const [statement] = await listed(place);
    assert.is(statement!['parameters'], true);
    for (const name of readdirSync(join(place.stateDir, 'journal'))) {
      const text = readFileSync(join(place.stateDir, 'journal', name), 'latin1');
      assert.not.match(text.replaceAll(/"(value|prompt)":"[^"]*"/g, ''), '987654');
    }
    const session = String(statement!['session']);
    const without = await place.rvbbit(['resume', session]);
    assert.is(without.code, 1);
    assert.match(without.stderr, /had parameters, which no journal keeps/);
    const before = await place.calls();
    const given = await place.rvbbit(['resume', session, '--param', 'secret=987654']);
    assert.equal(rowsOf(given.stdout).length, 4, given.stderr);
    assert.is((await place.calls()) - before, 2);
  }));

/** D6: what may change between two runs, and how many calls the second one may then make. */
interface Change {
  readonly name: string;
  readonly sql?: string;
  readonly setUp?: string;
  readonly between?: string;
  readonly cascade?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly changed?: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly second?: string;
  readonly calls: number;
  /** The server answers so for everything that is asked the second time. */
  readonly isNew: boolean;
}

const NESTED = `cascade_id: outer
cells:
  - name: inner
    tool: ask.yaml
    inputs: { n: "{{ input.n }}" }
`;
const T = 'CREATE TABLE t AS SELECT range::INTEGER AS n FROM range(5)';
const FROM_T = "RVBBIT MAP PARALLEL 2 'ask.yaml' AS v USING (SELECT n FROM t ORDER BY n)";

const changes: readonly Change[] = [
  { name: 'nothing', calls: 0, isNew: false },
  { name: 'prompt', changed: { 'ask.yaml': ASK.replace('Row', 'Line') }, calls: 5, isNew: true },
  {
    name: 'system prompt',
    changed: { 'ask.yaml': `${ASK}    system: Be brief.\n` },
    calls: 5,
    isNew: true,
  },
  { name: 'model of the engine', model: 'sim/other', calls: 5, isNew: true },
  {
    name: 'model of the statement',
    second: `${FROM_T} WITH (model = 'sim/third')`,
    calls: 5,
    isNew: true,
  },
  {
    name: 'temperature',
    second: `${FROM_T} WITH (temperature = 0.5)`,
    calls: 5,
    isNew: true,
  },
  { name: 'seed', second: `${FROM_T} WITH (seed = 3)`, calls: 5, isNew: true },
  { name: 'max_tokens', second: `${FROM_T} WITH (max_tokens = 50)`, calls: 5, isNew: true },
  {
    name: 'a nested cascade',
    sql: FROM_T.replace('ask.yaml', 'outer.yaml'),
    files: { 'outer.yaml': NESTED },
    changed: { 'ask.yaml': ASK.replace('Row', 'Line') },
    calls: 5,
    isNew: true,
  },
  {
    name: 'a nested cascade that stays, under another outer one',
    sql: FROM_T.replace('ask.yaml', 'outer.yaml'),
    files: { 'outer.yaml': NESTED },
    changed: { 'outer.yaml': `# changed\n${NESTED}` },
    calls: 0,
    isNew: false,
  },
  { name: 'rows added', between: 'INSERT INTO t VALUES (100), (101)', calls: 2, isNew: false },
  { name: 'rows removed', between: 'DELETE FROM t WHERE n < 3', calls: 0, isNew: false },
  { name: 'rows changed', between: 'UPDATE t SET n = 50 WHERE n = 2', calls: 1, isNew: false },
  { name: 'rows reordered', second: FROM_T.replace('BY n', 'BY n DESC'), calls: 0, isNew: false },
  {
    name: 'the table renamed',
    between: 'ALTER TABLE t RENAME TO u',
    second: FROM_T.replace('FROM t', 'FROM u'),
    calls: 0,
    isNew: false,
  },
  { name: 'PARALLEL', second: FROM_T.replace('PARALLEL 2', 'PARALLEL 5'), calls: 0, isNew: false },
];

function values({ rows }: QueryResult): string[] {
  return rows.map(({ n, v }) => `${n}=${v}`);
}

test('after a change only what it concerns is asked, and no old answer is used for it', async () => {
  for (const change of changes) {
    await withPlace(change.files ?? {}, {}, async (place) => {
      const sql = change.sql ?? FROM_T;
      const database = join(place.folder, 'db.duckdb');
      const first = await place.open({ database });
      await first.query(T);
      const before = await first.query(sql);
      await first.close();
      assert.is(await place.calls(), 5, change.name);
      for (const [path, text] of Object.entries(change.changed ?? {})) {
        writeFileSync(join(place.folder, path), text);
      }
      await server.script({ rules: [{ answer: 'new' }] });
      await using second = await place.open({
        database,
        ...(change.model === undefined ? {} : { model: change.model }),
      });
      if (change.between !== undefined) await second.query(change.between);
      const after = await second.query(change.second ?? sql);
      assert.is((await place.calls()) - 5, change.calls, change.name);
      assert.is(after.summary.calls.sent, change.calls, change.name);
      const old = new Set(values(before));
      const fresh = values(after).filter((value) => !old.has(value));
      assert.is(fresh.length, change.calls, `${change.name}: ${values(after)}`);
      for (const value of fresh) assert.match(value, /=new$/, change.name);
      if (change.isNew) assert.is(fresh.length, after.rows.length, change.name);
    });
  }
  reportCases(changes.length, 'changes between two runs');
});

test('records of another version are read, and kinds of record that are not known are passed over', () =>
  withPlace({}, {}, async (place) => {
    const first = await place.open();
    await first.query(mapOf(3));
    await first.close();
    const journal = join(place.stateDir, 'journal');
    const lines = new LineBuffer();
    for (const name of readdirSync(journal).filter((each) => each.endsWith('.ndjson'))) {
      for (const line of readFileSync(join(journal, name), 'utf8').trim().split('\n')) {
        const record = JSON.parse(line.slice(9)) as { t: string };
        lines.add(JSON.stringify({ ...record, t: 'moon.phase', phase: 'full' }));
        if (record.t === 'statement.open')
          lines.add(JSON.stringify({ ...record, engine: '9.9.9' }));
        else lines.add(JSON.stringify({ ...record, alsoNew: { deep: [1] } }));
      }
      const bytes = Buffer.from(lines.bytes);
      rmSync(join(journal, name));
      rmSync(join(journal, name.replace('.ndjson', '.keys')), { force: true });
      writeFileSync(join(journal, name), bytes);
    }
    const warnings: string[] = [];
    const log = () => undefined;
    const logger = {
      debug: log,
      info: log,
      error: log,
      warn: (text: string) => warnings.push(text),
    };
    await using second = await place.open({ logger });
    const { summary } = await second.query(mapOf(3));
    assert.is(summary.calls.cacheHits, 3);
    assert.equal(warnings, []);
    assert.equal(await listed(place), []);
  }));

test('of two processes that resume one statement one does, the other is told who', async () => {
  const races = cases(4, 20);
  for (let race = 0; race < races; race += 1) {
    await withPlace({}, { latency: { kind: 'constant', ms: 400 } }, async (place) => {
      await killed(place, mapOf(24), 100);
      const [{ session } = {}] = await listed(place);
      const pids: (number | undefined)[] = [];
      const ends = await Promise.all(
        [0, 1].map(() =>
          place.rvbbit(['resume', String(session)], { during: ({ pid }) => pids.push(pid) }),
        ),
      );
      const winner = ends.findIndex(({ code }) => code === 0);
      assert.ok(winner >= 0, ends.map(({ stderr }) => stderr).join('\n'));
      const { code, stderr } = ends[1 - winner]!;
      assert.is(code, 1, stderr);
      assert.match(stderr, 'RVB_RUN_LOCKED');
      assert.match(stderr, `process ${pids[winner]}`);
      assert.equal(rowsOf(ends[winner]!.stdout), expected(24));
      assert.ok((await place.calls()) <= 24 + 4);
      assert.equal(readdirSync(join(place.stateDir, 'locks')), [], 'the lock is returned');
    });
  }
  reportCases(races, 'races for one statement');
});

test('a lock of a dead owner is taken over, one that is held is not', () =>
  withPlace({}, {}, async ({ stateDir }) => {
    const folder = join(stateDir, 'locks');
    mkdirSync(folder, { recursive: true });
    const put = (owner: object | undefined) =>
      writeFileSync(join(folder, 'udf-a.0.lock'), owner === undefined ? '' : JSON.stringify(owner));
    const isLocked = async () => {
      try {
        (await lockRun(stateDir, 'udf-a'))();
        return false;
      } catch (thrown) {
        assert.is((thrown as RvbbitError).code, 'RVB_RUN_LOCKED');
        return true;
      }
    };
    const host = hostname();
    put({ pid: 2 ** 22 + 1, host });
    assert.is(await isLocked(), false, 'no process has that number');
    put({ pid: process.ppid, host });
    assert.is(await isLocked(), true);
    if (existsSync('/proc/self/stat')) {
      put({ pid: process.ppid, host, identity: 'another boot/1' });
      assert.is(await isLocked(), false, 'the number is another process’s now');
    }
    put({ pid: 1, host: `not-${host}` });
    assert.is(await isLocked(), true, 'a process of another machine cannot be seen');
    put(undefined);
    assert.is(await isLocked(), true, 'its owner is about to write its name');
    rmSync(join(folder, 'udf-a.0.lock'));
    const unlock = await lockRun(stateDir, 'udf-a');
    assert.is(await isLocked(), true);
    assert.is((await lockRun(stateDir, 'udf-ab'))(), undefined, 'another session');
    unlock();
    put({ pid: 2 ** 22 + 1, host });
    const taken = await Promise.allSettled(
      Array.from({ length: 50 }, () => lockRun(stateDir, 'udf-a')),
    );
    assert.is(taken.filter(({ status }) => status === 'fulfilled').length, 1);
  }));

test.run();
