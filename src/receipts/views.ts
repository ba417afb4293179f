/** What the journal says of calls, runs, statements and answers, as views over its files. */
import { quoteLiteral } from '../duck/quote.ts';

/** The catalogue that they stand in. */
export const CATALOG = 'rvbbit';

interface ViewColumn {
  readonly name: string;
  readonly sql: string;
  readonly comment: string;
}

/** A view: a row for each `comment` says what. */
export interface View {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly ViewColumn[];
  readonly from: string;
}

/** Records of a kind, as JSON in the column `record`. */
const RECORDS = `${CATALOG}.main.records`;
/** A record is one line of the journal; an answer may be a megabyte. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;

/** The view that all others read: a row a record. `holds`: the kinds of files that the folder has. */
export function recordsSql(
  folder: string,
  holds: { readonly segments: boolean; readonly archives: boolean },
): string {
  const lines = `read_csv(${quoteLiteral(`${folder}/*.ndjson`)}, columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '',
  header = false, auto_detect = false, ignore_errors = true, filename = true, max_line_size = ${LINE_MAX_BYTES})`;
  // Before the JSON stands its checksum; the last line of a segment may be half written.
  const segments = `SELECT parse_filename(filename) AS segment, line[10:]::JSON AS record FROM ${lines} WHERE json_valid(line[10:])`;
  const archives = `SELECT segment, json::JSON FROM read_parquet(${quoteLiteral(`${folder}/*.parquet`)})`;
  const parts = [
    'SELECT NULL::VARCHAR AS segment, NULL::JSON AS record WHERE false',
    ...(holds.segments ? [segments] : []),
    ...(holds.archives ? [archives] : []),
  ];
  const all = `SELECT segment, record, json_extract_string(record, 't') AS t, json_extract_string(record, 'session') AS session, (json_extract_string(record, 'seq'))::BIGINT AS seq,
  make_timestamp((json_extract_string(record, 'at'))::BIGINT) AS "at" FROM (${parts.join('\nUNION ALL ')})`;
  // A segment may stand beside the archive that holds it.
  const distinct = holds.archives ? `SELECT DISTINCT ON (segment, seq) * FROM (${all})` : all;
  return `CREATE OR REPLACE VIEW ${RECORDS} AS ${distinct}`;
}

/** The statement that makes a view, and those that document it. */
export function viewSql({ name, comment, columns, from }: View): readonly string[] {
  const list = columns.map((column) => `${column.sql} AS "${column.name}"`).join(',\n  ');
  const view = `${CATALOG}.main.${name}`;
  return [
    `CREATE OR REPLACE VIEW ${view} AS SELECT\n  ${list}\nFROM ${from}`,
    `COMMENT ON VIEW ${view} IS ${quoteLiteral(comment)}`,
    ...columns.map(
      (column) => `COMMENT ON COLUMN ${view}."${column.name}" IS ${quoteLiteral(column.comment)}`,
    ),
  ];
}

const textOf = (of: string, field: string) => `json_extract_string(${of}.record, '${field}')`;
const numberOf = (of: string, field: string) => `(${textOf(of, field)})::BIGINT`;
const dollarsOf = (of: string, field: string) => `(${textOf(of, field)})::BIGINT / 1e6`;
const ofSummary = (field: string) =>
  `(json_extract_string(c.record, '$.summary.${field}'))::BIGINT`;

/** `udf-semantic_means-clever-fox-3fa2b1-001`: the name of the statement's session, with the operator and the call's number. */
const CALL_SESSION = `CASE WHEN s.session LIKE 'sql-%' AND json_extract_string(s.record, 'cascade') LIKE 'built-in/%'
    THEN 'udf-semantic_' || regexp_extract(json_extract_string(s.record, 'cascade'), '([^/]*)\\.ya?ml$', 1) || substr(s.session, 4)
    WHEN s.session LIKE 'sql-%' THEN 'udf' || substr(s.session, 4) ELSE s.session END
    || '-' || format('{:03d}', (regexp_extract(json_extract_string(s.record, 'attempt'), '(\\d+)$', 1))::BIGINT)`;

export const VIEWS: readonly View[] = [
  {
    name: 'unified_logs',
    comment: 'a model call that went out',
    columns: [
      {
        name: 'session_id',
        sql: CALL_SESSION,
        comment: 'name of the call: of its run, with a number',
      },
      {
        name: 'caller_id',
        sql: textOf('s', 'caller'),
        comment: 'the statement that it was made for',
      },
      {
        name: 'cascade_id',
        sql: `regexp_replace(${textOf('s', 'cascade')}, '^.*/|\\.ya?ml$', '', 'g')`,
        comment: 'the cascade',
      },
      { name: 'cell', sql: textOf('s', 'cell'), comment: 'the cell that asked' },
      {
        name: 'attempt',
        sql: numberOf('s', 'n'),
        comment: '1 for a first call; re-asks and retries count up',
      },
      { name: 'provider', sql: textOf('s', 'provider'), comment: 'who was asked' },
      { name: 'model', sql: textOf('s', 'model'), comment: 'the model, as its provider names it' },
      { name: 'timestamp', sql: 's."at"', comment: 'when it went out, UTC' },
      {
        name: 'duration_ms',
        sql: numberOf('e', 'durationMs'),
        comment: 'until its answer; NULL as long as it is out',
      },
      { name: 'tokens_in', sql: numberOf('e', 'tokensIn'), comment: 'tokens of the prompt' },
      { name: 'tokens_out', sql: numberOf('e', 'tokensOut'), comment: 'tokens of the answer' },
      {
        name: 'tokens_cached',
        sql: `coalesce(${numberOf('e', 'tokensCached')}, 0)`,
        comment: "of tokens_in: from the provider's cache",
      },
      {
        name: 'cost',
        sql: dollarsOf('e', 'costMicroUsd'),
        comment: 'US dollars; NULL where no price is known',
      },
      {
        name: 'cost_status',
        sql: textOf('e', 'costStatus'),
        comment: 'settled, assumed (by a list price), uncosted; NULL as long as it is out',
      },
      {
        name: 'cache_hit',
        sql: 'false',
        comment: 'false: what stored answers settle is no call, and counted in statements',
      },
      {
        name: 'lane',
        sql: numberOf('s', 'lane'),
        comment: '1 to n, of n calls that are out at most',
      },
      {
        name: 'queued_ms',
        sql: `coalesce(${numberOf('s', 'queuedMs')}, 0)`,
        comment: 'how long the limiter held it before',
      },
      {
        name: 'status',
        sql: textOf('e', 'outcome'),
        comment: 'ok or failed; NULL as long as it is out',
      },
      {
        name: 'error',
        sql: `json_extract_string(e.record, '$.error.code')`,
        comment: 'code of the failure',
      },
      {
        name: 'call_key',
        sql: textOf('s', 'callKey'),
        comment: 'hash of what was asked: equal for equal calls',
      },
    ],
    from: `(FROM ${RECORDS} WHERE t = 'attempt.start') s LEFT JOIN (FROM ${RECORDS} WHERE t = 'attempt.end') e
  ON json_extract_string(s.record, 'attempt') = json_extract_string(e.record, 'attempt')
WHERE json_extract_string(e.record, 'outcome') IS DISTINCT FROM 'not_sent'`,
  },
  {
    name: 'statements',
    comment: 'a statement that ran a cascade or operator',
    columns: [
      {
        name: 'caller_id',
        sql: textOf('o', 'caller'),
        comment: 'name of the statement, as unified_logs has it',
      },
      { name: 'session_id', sql: 'o.session', comment: 'name of its session' },
      { name: 'timestamp', sql: 'o."at"', comment: 'when it began, UTC' },
      { name: 'sql', sql: textOf('o', 'sql'), comment: 'its text' },
      {
        name: 'kind',
        sql: textOf('o', 'kind'),
        comment: 'map, run, create_table, insert, sql, explain',
      },
      { name: 'origin', sql: textOf('o', 'origin'), comment: 'who ran it: api, cli, …' },
      { name: 'label', sql: textOf('o', 'label'), comment: 'WITH (label = …)' },
      { name: 'cascade', sql: textOf('o', 'cascade'), comment: 'files of its cascades' },
      { name: 'parallel', sql: numberOf('o', 'parallel'), comment: 'runs at a time' },
      {
        name: 'status',
        sql: `json_extract_string(c.record, '$.summary.status')`,
        comment: 'complete, incomplete; NULL while it runs, or where its process died',
      },
      {
        name: 'reason',
        sql: `json_extract_string(c.record, '$.summary.reason')`,
        comment: 'why it is incomplete',
      },
      { name: 'rows', sql: ofSummary('rows.in'), comment: 'rows read, or questions asked' },
      { name: 'rows_ok', sql: ofSummary('rows.ok'), comment: 'rows with a value' },
      { name: 'rows_null', sql: ofSummary('rows.null'), comment: 'rows whose value is NULL' },
      { name: 'rows_failed', sql: ofSummary('rows.failed'), comment: 'rows whose run failed' },
      {
        name: 'rows_skipped',
        sql: ofSummary('rows.skipped'),
        comment: 'rows whose run was skipped',
      },
      { name: 'calls', sql: ofSummary('calls.sent'), comment: 'model calls that went out' },
      { name: 'retried', sql: ofSummary('calls.retried'), comment: 'of these: made again' },
      {
        name: 'cache_hits',
        sql: ofSummary('calls.cacheHits'),
        comment: 'calls that stored answers settled',
      },
      { name: 'tokens_in', sql: ofSummary('tokens.in'), comment: 'tokens of the prompts' },
      { name: 'tokens_out', sql: ofSummary('tokens.out'), comment: 'tokens of the answers' },
      {
        name: 'cost',
        sql: `${ofSummary('costMicroUsd')} / 1e6`,
        comment: 'US dollars of calls with a known price; NULL where none has one',
      },
      {
        name: 'uncosted_calls',
        sql: ofSummary('uncostedCalls'),
        comment: 'calls without a known price',
      },
      {
        name: 'saved',
        sql: 'h.saved / 1e6',
        comment: 'US dollars that the stored answers cost when they were bought',
      },
      { name: 'duration_ms', sql: ofSummary('durationMs'), comment: 'from its begin to its end' },
    ],
    // What is opened again is told by its later word.
    from: `(SELECT DISTINCT ON (session) * FROM ${RECORDS} WHERE t = 'statement.open' ORDER BY session, seq DESC) o
LEFT JOIN (FROM ${RECORDS} WHERE t = 'statement.close') c ON c.session = o.session
LEFT JOIN (SELECT session, sum((json_extract_string(record, 'savedMicroUsd'))::BIGINT) AS saved FROM ${RECORDS} WHERE t = 'cache.hits' GROUP BY session) h
  ON h.session = o.session`,
  },
  {
    name: 'runs',
    comment: 'runs of cascades that settled side by side',
    columns: [
      { name: 'session_id', sql: 'r.session', comment: 'name of the session' },
      {
        name: 'caller_id',
        sql: textOf('r', 'caller'),
        comment: 'the statement that they were made for',
      },
      { name: 'timestamp', sql: 'r."at"', comment: 'when the last of them settled, UTC' },
      {
        name: 'first_run',
        sql: numberOf('r', 'first'),
        comment: 'number of the first of them, from 0',
      },
      { name: 'runs', sql: numberOf('r', 'count'), comment: 'how many' },
      { name: 'rows_ok', sql: numberOf('r', 'ok'), comment: 'rows that they serve: with a value' },
      { name: 'rows_null', sql: numberOf('r', 'null'), comment: 'whose value is NULL' },
      { name: 'rows_failed', sql: numberOf('r', 'failed'), comment: 'whose run failed' },
      { name: 'rows_skipped', sql: numberOf('r', 'skipped'), comment: 'whose run was skipped' },
    ],
    from: `(FROM ${RECORDS} WHERE t = 'rows') r`,
  },
  {
    name: 'cache',
    comment: 'a stored answer that is used in place of a call',
    columns: [
      { name: 'call_key', sql: 'a.key', comment: 'hash of what was asked' },
      { name: 'provider', sql: 'coalesce(a.provider, s.provider)', comment: 'who answered' },
      {
        name: 'model',
        sql: 'coalesce(a.model, s.model)',
        comment: 'the model, as its provider names it',
      },
      { name: 'timestamp', sql: 'a."at"', comment: 'when it was given, UTC' },
      { name: 'answer', sql: textOf('a', 'value'), comment: 'the text' },
      { name: 'tokens_in', sql: numberOf('a', 'tokensIn'), comment: 'tokens of the prompt' },
      { name: 'tokens_out', sql: numberOf('a', 'tokensOut'), comment: 'tokens of the answer' },
      {
        name: 'cost',
        sql: dollarsOf('a', 'costMicroUsd'),
        comment: 'US dollars that it cost; NULL where no price is known',
      },
    ],
    from: `(SELECT *, json_extract_string(record, 'callKey') AS key, json_extract_string(record, 'provider') AS provider, json_extract_string(record, 'model') AS model
  FROM ${RECORDS} WHERE t IN ('attempt.end', 'answer') AND json_extract_string(record, 'value') IS NOT NULL AND json_extract_string(record, 'callKey') IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY key ORDER BY "at" DESC, seq DESC) = 1) a
LEFT JOIN (SELECT json_extract_string(record, 'attempt') AS attempt, json_extract_string(record, 'provider') AS provider, json_extract_string(record, 'model') AS model
  FROM ${RECORDS} WHERE t = 'attempt.start') s ON s.attempt = json_extract_string(a.record, 'attempt')
WHERE NOT EXISTS (FROM ${RECORDS} d WHERE d.t = 'cache.clear' AND a."at" < make_timestamp((json_extract_string(d.record, 'before'))::BIGINT)
  AND (json_extract(d.record, 'keys') IS NULL OR list_contains((json_extract(d.record, 'keys'))::VARCHAR[], a.key)))`,
  },
];
