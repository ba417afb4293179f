/** Stored answers in place of calls: few records, and what they saved. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type JournalRecord } from '../../src/index.ts';
import { realFileSystem } from '../../src/journal/disk/file-system.ts';
import { segmentNames } from '../../src/journal/disk/survey.ts';
import { rvbbitHere } from '../cli/here.ts';
import { modelServer } from '../support/model-server.ts';
import { withFolder } from './support.ts';

const ROWS = 600;
const cascades = fileURLToPath(new URL('../../../bench/cascades', import.meta.url));

test('a run of hits writes a few records, with what they saved', () =>
  withFolder(async (stateDir) => {
    await using sim = await modelServer();
    const open = () =>
      Engine.open({
        cascades,
        stateDir,
        threads: 1,
        providers: {
          sim: { baseUrl: sim.url, prices: { m: { inputPerMtok: 1_000, outputPerMtok: 1_000 } } },
        },
        model: 'sim/m',
      });
    const sql = `RVBBIT MAP PARALLEL 50 'ask.yaml' AS a USING (SELECT 'row ' || range AS question FROM range(${ROWS})) WITH (limit = ${ROWS})`;
    const sizeOf = () => {
      const folder = join(stateDir, 'journal');
      return segmentNames(realFileSystem, folder).reduce(
        (sum, name) => sum + statSync(join(folder, name)).size,
        0,
      );
    };
    let spent = 0;
    {
      await using engine = await open();
      const { summary } = await engine.query(sql);
      spent = summary.costMicroUsd ?? 0;
      assert.ok(spent > 0);
    }
    const before = sizeOf();
    const hits: Extract<JournalRecord, { t: 'cache.hits' }>[] = [];
    {
      await using engine = await open();
      engine.events.on('cache.hits', (record) => hits.push(record));
      const { summary } = await engine.query(sql);
      assert.is(summary.calls.sent, 0);
      assert.is(summary.calls.cacheHits, ROWS);
    }
    assert.is(
      hits.reduce((sum, { count }) => sum + count, 0),
      ROWS,
    );
    assert.is(
      hits.reduce((sum, { savedMicroUsd }) => sum + (savedMicroUsd ?? 0), 0),
      spent,
    );
    assert.ok(sizeOf() - before < 15_000, `${sizeOf() - before} bytes`);
    const stats = await rvbbitHere(['cache', 'stats', '--state-dir', stateDir]);
    const line = JSON.parse(stats.stdout) as Record<string, unknown>;
    assert.is(line['hits'], ROWS);
    assert.is(line['saved_micro_usd'], spent);
  }));

test.run();
