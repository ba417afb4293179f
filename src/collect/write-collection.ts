/** The files of a collection: one line for each observation, and at the end the summary and the data set. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quoteLiteral } from '../duck/quote.ts';
import type { EngineSession } from '../engine-session.ts';
import type { CollectedPlain } from './collect.ts';
import {
  type CollectionSummary,
  OBSERVATION_COLUMNS,
  type Observation,
  summaryOf,
} from './observation.ts';

const LINES = 'observations.jsonl';
const SUMMARY = 'collection_summary.json';
const DATA_SET = 'dataset';

/** Reads the observations in a folder. If a crash cut off the last line, that line is removed from the file. */
export function readObservations(folder: string): Observation[] {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, LINES);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) writeFileSync(path, whole);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Observation);
}

export function appendObservation(folder: string, observation: Observation): void {
  appendFileSync(join(folder, LINES), `${JSON.stringify(observation)}\n`);
}

/** Writes the summary and the data set (Parquet files, one folder for each shape). Throws RVB_SQL. */
export async function writeCollection(
  folder: string,
  session: EngineSession,
  observations: readonly Observation[],
  plain: CollectedPlain,
): Promise<CollectionSummary> {
  const summary = summaryOf(observations, plain);
  writeFileSync(join(folder, SUMMARY), `${JSON.stringify(summary, undefined, 2)}\n`);
  if (observations.length > 0) {
    const columns = Object.entries(OBSERVATION_COLUMNS)
      .map(([name, type]) => `${quoteLiteral(name)}: ${quoteLiteral(type)}`)
      .join(', ');
    const lines = quoteLiteral(join(folder, LINES));
    await session.query(
      `COPY (SELECT * REPLACE (make_timestamp("at") AS "at"), CASE WHEN hash(shape) % 5 = 0 THEN 'test' ELSE 'train' END AS part FROM read_json(${lines}, format = 'newline_delimited', columns = {${columns}}))
       TO ${quoteLiteral(join(folder, DATA_SET))} (FORMAT parquet, PARTITION_BY (shape), WRITE_PARTITION_COLUMNS true, OVERWRITE_OR_IGNORE)`,
    );
  }
  return summary;
}
