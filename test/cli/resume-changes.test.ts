/** What changed between two runs is asked again, and nothing else; records of other versions are read. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { QueryResult } from '../../src/index.ts';
import { LineBuffer } from '../../src/journal/disk/line.ts';
import { reportCases } from '../support/cases.ts';
import { ASK, listed, mapOf, openServer, withPlace } from './resume-support.ts';

const server = await openServer(test);

/**
 * What may change between two runs, and how many calls the second one may then make. In every text `%` stands for the
 * number of the change: each has its table, its cascades and its questions, so one run can have them all.
 */
interface Change {
  readonly name: string;
  readonly sql?: string;
  readonly between?: string;
  readonly changed?: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly second?: string;
  readonly calls: number;
  /** The server answers so for everything that is asked the second time. */
  readonly isNew: boolean;
}

const OWN_ASK = ASK.replace('Row', '%: row');
const NESTED = `cascade_id: outer
cells:
  - name: inner
    tool: ask%.yaml
    inputs: { n: "{{ input.n }}" }
`;
const T = 'CREATE TABLE t% AS SELECT range::INTEGER AS n FROM range(5)';
const FROM_T = "RVBBIT MAP PARALLEL 2 'ask%.yaml' AS v USING (SELECT n FROM t% ORDER BY n)";

const changes: readonly Change[] = [
  { name: 'nothing', calls: 0, isNew: false },
  {
    name: 'prompt',
    changed: { 'ask%.yaml': OWN_ASK.replace('row', 'line') },
    calls: 5,
    isNew: true,
  },
  {
    name: 'system prompt',
    changed: { 'ask%.yaml': `${OWN_ASK}    system: Be brief.\n` },
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
    sql: FROM_T.replace('ask', 'outer'),
    changed: { 'ask%.yaml': OWN_ASK.replace('row', 'line') },
    calls: 5,
    isNew: true,
  },
  {
    name: 'a nested cascade that stays, under another outer one',
    sql: FROM_T.replace('ask', 'outer'),
    changed: { 'outer%.yaml': `# changed\n${NESTED}` },
    calls: 0,
    isNew: false,
  },
  { name: 'rows added', between: 'INSERT INTO t% VALUES (100), (101)', calls: 2, isNew: false },
  { name: 'rows removed', between: 'DELETE FROM t% WHERE n < 3', calls: 0, isNew: false },
  { name: 'rows changed', between: 'UPDATE t% SET n = 50 WHERE n = 2', calls: 1, isNew: false },
  { name: 'rows reordered', second: FROM_T.replace('BY n', 'BY n DESC'), calls: 0, isNew: false },
  {
    name: 'the table renamed',
    between: 'ALTER TABLE t% RENAME TO u%',
    second: FROM_T.replace('FROM t%', 'FROM u%'),
    calls: 0,
    isNew: false,
  },
  { name: 'PARALLEL', second: FROM_T.replace('PARALLEL 2', 'PARALLEL 5'), calls: 0, isNew: false },
];

function values({ rows }: QueryResult): string[] {
  return rows.map(({ n, v }) => `${n}=${v}`);
}

test('after a change only what it concerns is asked, and no old answer is used for it', () =>
  withPlace({}, {}, async (place) => {
    const put = (files: Readonly<Record<string, string>>, number: number) => {
      for (const [path, text] of Object.entries(files)) {
        writeFileSync(join(place.folder, textOf(path, number)), textOf(text, number));
      }
    };
    const textOf = (text: string, number: number) => text.replaceAll('%', String(number));
    const database = join(place.folder, 'db.duckdb');
    const first = await place.open({ database });
    const before: QueryResult[] = [];
    for (const [number, { name, sql = FROM_T }] of changes.entries()) {
      put({ 'ask%.yaml': OWN_ASK, 'outer%.yaml': NESTED }, number);
      await first.query(textOf(T, number));
      before.push(await first.query(textOf(sql, number)));
      assert.is(place.calls(), (number + 1) * 5, name);
    }
    await first.close();
    server.script({ rules: [{ answer: 'new' }] });
    for (const model of new Set(changes.map((change) => change.model))) {
      await using second = await place.open({
        database,
        ...(model === undefined ? {} : { model }),
      });
      for (const [number, change] of changes.entries()) {
        if (change.model !== model) continue;
        const { name, sql = FROM_T } = change;
        put(change.changed ?? {}, number);
        if (change.between !== undefined) await second.query(textOf(change.between, number));
        const asked = place.calls();
        const after = await second.query(textOf(change.second ?? sql, number));
        assert.is(place.calls() - asked, change.calls, name);
        assert.is(after.summary.calls.sent, change.calls, name);
        const old = new Set(values(before[number]!));
        const fresh = values(after).filter((value) => !old.has(value));
        assert.is(fresh.length, change.calls, `${name}: ${values(after)}`);
        for (const value of fresh) assert.match(value, /=new$/, name);
        if (change.isNew) assert.is(fresh.length, after.rows.length, name);
      }
    }
    reportCases(changes.length, 'changes between two runs');
  }));

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
