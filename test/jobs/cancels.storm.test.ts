/** A cancel at the moment at which a job writes its table. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mapOf, openServer, withPlace } from '../cli/resume-support.ts';
import { cases, reportCases } from '../support/cases.ts';
import { jobOf } from './support.ts';

await openServer(test);

test('a job is cancelled, or its table is there, but never both', () =>
  withPlace({}, {}, async (place) => {
    await using engine = await place.open({ database: join(place.folder, 'shop.duckdb') });
    const jobs = cases(60, 400);
    const seen = { cancelled: 0, success: 0 };
    for (let number = 0; number < jobs; number += 1) {
      const sql = `${mapOf(20, 4).replace('PARALLEL', 'ASYNC PARALLEL')} WITH (as_table = 't${number}')`;
      const { session_id: id } = await jobOf(engine, sql);
      // A job looks for a cancel every 100 ms from its start on, which is 250 ms after it was submitted.
      await sleep(160 + (number % 30) * 6);
      const { status } = await jobOf(engine, `RVBBIT CANCEL '${id}'`);
      const { rows } = await engine.query(
        `SELECT count(*)::INTEGER AS n FROM duckdb_tables() WHERE table_name = 't${number}'`,
      );
      assert.is(rows[0]!['n'], status === 'success' ? 1 : 0, `${id} is ${status}`);
      seen[status as keyof typeof seen] += 1;
    }
    assert.ok(seen.cancelled > 0 && seen.success > 0, JSON.stringify(seen));
    reportCases(jobs, `cancels, of which ${seen.success} came too late`);
  }));

test.run();
