/** What changed between two runs is asked again, and nothing else; records of other versions are read. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { QueryResult } from '../../src/index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { reportCases } from '../support/cases.ts';
import { ASK, listed, mapOf, server, withPlace } from './resume-support.ts';

test.after(() => server.close());

/** What may change between two runs, and how many calls the second one may then make. */
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

test.run();
