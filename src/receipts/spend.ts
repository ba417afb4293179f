/** Reports spending, and the savings from stored answers, grouped by a property of the calls. */
import { existsSync } from 'node:fs';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import { readReceipts } from './read-receipts.ts';
import { CATALOG } from './views.ts';

/** The properties to group by. For each: the SQL expression for a call, and for a cache hit. */
const KEYS = {
  model: {
    call: "u.provider || '/' || u.model",
    hit: "json_extract_string(h.record, 'provider') || '/' || json_extract_string(h.record, 'model')",
  },
  statement: { call: 's.sql', hit: 's.sql' },
  cascade: {
    call: 'u.cascade_id',
    hit: String.raw`regexp_replace(s.cascade, '[^,]*/|\.ya?ml', '', 'g')`,
  },
  day: { call: 'u.timestamp::DATE::VARCHAR', hit: 'h."at"::DATE::VARCHAR' },
  caller: { call: 'u.caller_id', hit: "json_extract_string(h.record, 'caller')" },
  label: { call: 's.label', hit: 's.label' },
} as const;

export type SpendKey = keyof typeof KEYS;
export const SPEND_KEYS = Object.keys(KEYS) as readonly SpendKey[];

/** Returns SQL that gives one row for each value of the key, the highest cost first. */
export function spendSql(by: SpendKey): string {
  const { call, hit } = KEYS[by];
  const ofStatement = `LEFT JOIN (SELECT DISTINCT ON (caller_id) * FROM ${CATALOG}.main.statements) s`;
  return `WITH parts AS (
  SELECT ${call} AS key, 1 AS calls, (u.status = 'failed')::INTEGER AS failed, u.tokens_in, u.tokens_out, u.cost,
    (u.cost IS NULL)::INTEGER AS uncosted, 0 AS hits, NULL::DOUBLE AS saved
  FROM ${CATALOG}.main.unified_logs u ${ofStatement} ON s.caller_id = u.caller_id
  UNION ALL
  SELECT ${hit}, 0, 0, 0, 0, NULL, 0, TRY_CAST(json_extract_string(h.record, 'count') AS BIGINT),
    TRY_CAST(json_extract_string(h.record, 'savedMicroUsd') AS BIGINT) / 1e6
  FROM (FROM ${CATALOG}.main.records WHERE t = 'cache.hits') h ${ofStatement} ON s.caller_id = json_extract_string(h.record, 'caller')
)
SELECT key AS "${by}", sum(calls)::BIGINT AS calls, sum(failed)::BIGINT AS failed,
  TRY_CAST(coalesce(sum(tokens_in), 0) AS BIGINT) AS tokens_in, TRY_CAST(coalesce(sum(tokens_out), 0) AS BIGINT) AS tokens_out,
  round(sum(cost), 6) AS cost_usd, sum(uncosted)::BIGINT AS uncosted_calls,
  TRY_CAST(sum(hits) AS BIGINT) AS cache_hits, round(sum(saved), 6) AS saved_usd
FROM parts GROUP BY key ORDER BY cost_usd DESC NULLS LAST, calls DESC, key`;
}

/** Returns micro-USD of the calls that the statements of an origin have made since a time; 0 without a journal. */
export async function spentSince(stateDir: string, origin: string, since: Date): Promise<number> {
  const folder = journalFolder(stateDir);
  if (!existsSync(folder)) return 0;
  const { rows } = await readReceipts(
    folder,
    `SELECT coalesce(round(sum(cost) * 1e6), 0) AS spent FROM ${CATALOG}.main.unified_logs
WHERE timestamp >= $2::TIMESTAMP AND caller_id IN (SELECT caller_id FROM ${CATALOG}.main.statements WHERE origin = $1)`,
    [origin, since.toISOString()],
  );
  return Number(rows[0]!['spent']);
}
