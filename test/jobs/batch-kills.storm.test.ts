/**
 * Jobs on Batch APIs through expiry, failures, lost and repeated results, and `kill -9` at any moment: every row has its
 * answer, no request is sent again that was answered, and the journal's cost is the provider's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { readManifests } from '../../src/jobs/batch-folder.ts';
import type { BatchedRequest } from '../../src/sim/ledger.ts';
import { type SimulatorProcess, spawnSimulator } from '../../src/sim/spawn.ts';
import { readRecords } from '../kill/journal-files.ts';
import { type ChildEnd, cascades, type Kill, runChild } from '../kill/run-child.ts';
import { cases, mulberry, reportCases, seed } from '../support/cases.ts';
import { jobOf } from './support.ts';

const ROWS = Number(process.env['ROWS'] ?? cases(200, 20_000));
const KILLS = Number(process.env['KILLS'] ?? cases(6, 50));
const random = mulberry(seed);
const PRICES = { inputPerMtok: 3, outputPerMtok: 5 };
const TYPES = ['openai-compatible', 'anthropic'] as const;

interface Place {
  readonly folder: string;
  readonly server: SimulatorProcess;
  readonly provider: Readonly<Record<string, unknown>>;
}

async function goOn(
  { folder, server, provider }: Place,
  id: string,
  kill?: Kill,
): Promise<ChildEnd> {
  const sql = `-- @ timeout: 300s\nRVBBIT AWAIT '${id}'`;
  const where = { url: server.url, stateDir: folder, database: join(folder, 'db.duckdb') };
  return runChild({ ...where, cascades, provider, streams: true, sql }, kill);
}

/**
 * A moment in the next execution: as it starts; when a batch was named on disk, while it is uploaded and created; when
 * the id of a batch became known, while it is waited for and its results come; when answers are read.
 */
function pickKill(folder: string, id: string): Kill {
  const kind = random();
  if (kind < 0.15) return { after: 'start', ms: random() * 1_000 };
  if (kind < 0.35) return { after: 'first-call', ms: random() * (200 + ROWS / 10) };
  const manifests = () => readManifests(join(folder, 'jobs', id, 'batches'));
  const ids = () => manifests().filter(({ batch }) => batch !== undefined).length;
  const [named, known] = [manifests().length, ids()];
  return kind < 0.7
    ? { after: () => manifests().length > named, ms: random() * 120 }
    : { after: () => ids() > known, ms: random() * (400 + ROWS / 20) };
}

/** Checks that each content was executed once, and was sent again only while it had no answer. */
function checkRequests(requests: readonly BatchedRequest[]): number {
  const byContent = new Map<string, BatchedRequest[]>();
  for (const request of requests) {
    const of = byContent.get(request.contentHash);
    if (of === undefined) byContent.set(request.contentHash, [request]);
    else of.push(request);
  }
  for (const of of byContent.values()) {
    const fates = of.sort((a, b) => a.upload - b.upload).map(({ fate }) => fate);
    assert.is(fates.at(-1), 'succeeded', fates.join());
    assert.not.ok(fates.slice(0, -1).includes('succeeded'), `sent after its answer: ${fates}`);
    assert.not.ok(fates.includes('waiting') || fates.includes('canceled'), fates.join());
  }
  return byContent.size;
}

/** Where a process died: before its first batch was named, before it knew a batch's id, or later. */
function placeOfKill(folder: string, id: string): string {
  const manifests = readManifests(join(folder, 'jobs', id, 'batches'));
  if (manifests.length === 0) return 'before a batch';
  const isMade = manifests.every(({ batch }) => batch !== undefined);
  return isMade ? `after batch ${manifests.length}` : `while batch ${manifests.length} is made`;
}

/** Runs one job through some kills, and returns their number. */
async function runJob(type: (typeof TYPES)[number], most: number) {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-batches-'));
  await using server = await spawnSimulator({
    prices: { '*': PRICES },
    seed: Math.floor(random() * 2 ** 31),
    batches: {
      ...{ ms: 150, replyMs: 40, expired: 0.08, failed: 0.08, missing: 0.04, duplicated: 0.1 },
      uploads: 2,
    },
    rules: [
      { when: { contains: 'cannot be used' } },
      { when: { contains: 'Kind of', probability: 0.03 }, answer: { even: 'perhaps' } },
    ],
  });
  const provider = { type, batches: true, prices: { 'test-model': PRICES } };
  const place: Place = { folder, server, provider };
  try {
    const map = `RVBBIT MAP ASYNC PARALLEL 32 'kind.yaml' AS v USING (SELECT range::INTEGER AS n FROM range(${ROWS}) ORDER BY n) WITH (service = 'batch', limit = ${ROWS})`;
    let id: string;
    {
      await using engine = await Engine.open({
        ...{ cascades, threads: 1, stateDir: folder, database: join(folder, 'db.duckdb') },
        providers: { sim: { ...provider, baseUrl: server.url } },
        model: 'sim/test-model',
      });
      id = (await jobOf(engine, `CREATE TABLE result AS ${map}`)).session_id;
    }
    let kills = 0;
    const places: string[] = [];
    for (;;) {
      const kill = kills < most ? pickKill(folder, id) : undefined;
      const { signal, errors } = await goOn(place, id, kill);
      if (signal === null) {
        assert.is(errors, '');
        break;
      }
      kills += 1;
      places.push(placeOfKill(folder, id));
    }
    await using engine = await Engine.open({ database: join(folder, 'db.duckdb') });
    const { rows } = await engine.query('FROM result ORDER BY n');
    assert.is(rows.length, ROWS);
    for (const [n, row] of rows.entries()) assert.equal(row, { n, v: `Row ${n}` });
    const requests = await server.batched();
    const contents = checkRequests(requests);
    const { entries, totals } = await server.ledger();
    assert.is(totals.calls, contents, 'each content was executed once, in a batch');
    const half = entries.reduce((sum, one) => sum + Math.ceil(one.costMicroUsd! - 1e-6), 0);
    const cost = readRecords(folder)
      .filter(({ t }) => t === 'attempt.end')
      .reduce((sum, one) => sum + ((one as { costMicroUsd?: number | null }).costMicroUsd ?? 0), 0);
    assert.is(cost, half, 'to the micro-dollar');
    return { kills, places, requests: requests.length, contents };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a job on a Batch API that is killed again and again pays each answer once', async () => {
  let kills = 0;
  let jobs = 0;
  let requests = 0;
  let contents = 0;
  const places: string[] = [];
  for (; jobs < TYPES.length || kills < KILLS; jobs += 1) {
    const most = Math.min(KILLS - kills, cases(3, 25));
    const one = await runJob(TYPES[jobs % TYPES.length]!, most);
    kills += one.kills;
    requests += one.requests;
    contents += one.contents;
    places.push(...one.places);
  }
  const at = [...new Set(places)].map(
    (place) => `${places.filter((one) => one === place).length} ${place}`,
  );
  reportCases(
    kills,
    `kills (${at.join(', ')}) of ${jobs} jobs of ${ROWS} rows: ${contents} questions, ${requests} requests`,
  );
});

test.run();
