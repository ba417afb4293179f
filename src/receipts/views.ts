/** SQL views over the journal's files: calls, runs, statements and answers. */
import { quoteLiteral } from '../duck/quote.ts';
import type { DamagedLine, ReceiptFiles } from './survey-receipts.ts';

/** The catalogue (attached database) of the views. */
export const CATALOG = 'rvbbit';

type ViewColumn = readonly [name: string, sql: string, comment: string];

/** A view. `comment` says what one row of it is. */
export interface View {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly ViewColumn[];
  readonly from: string;
}

/** The view of all records. Its column `record` holds a record as JSON. */
const RECORDS = `${CATALOG}.main.records`;
/** The longest line that DuckDB reads. A line holds one record, with at most one answer. */
const LINE_MAX_BYTES = 40 * 1024 * 1024;

/** Returns the SQL of the view that all other views read: one row for each record that is not damaged. */
export function recordsSql(folder: string, { segments, archives, lines }: ReceiptFiles): string {
  // DuckDB does not accept a lone surrogate (`\ud…`) as JSON, so it is replaced. The checksum comes before the JSON.
  const json = `SELECT parse_filename(filename) AS segment, CASE WHEN contains(line, '\\ud')
  THEN regexp_replace(line[10:], '\\\\ud[89a-f][0-9a-f]{2}', '\\\\ufffd', 'g') ELSE line[10:] END AS json
  FROM read_csv(${pathList(folder, segments)}, columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '',
  header = false, auto_detect = false, ignore_errors = true, filename = true, hive_partitioning = false,
  max_line_size = ${LINE_MAX_BYTES}, buffer_size = ${LINE_MAX_BYTES})${without(lines)}`;
  // Without `hive_partitioning`, folders like `a=b` do not become columns.
  const archived = `SELECT segment, json FROM read_parquet(${pathList(folder, archives)}, hive_partitioning = false)`;
  const parts = [
    'SELECT NULL::VARCHAR AS segment, NULL::VARCHAR AS json WHERE false',
    ...(segments.length > 0 ? [json] : []),
    ...(archives.length > 0 ? [archived] : []),
  ];
  // The last line of a segment may be half written, and is no JSON then.
  const read = `SELECT segment, TRY_CAST(json AS JSON) AS record FROM (${parts.join('\nUNION ALL ')})`;
  const all = `SELECT segment, record, json_extract_string(record, 't') AS t, json_extract_string(record, 'session') AS session, ${numberOf('r', 'seq')} AS seq,
  TRY(make_timestamp(${numberOf('r', 'at')})) AS "at" FROM (${read}) r WHERE record IS NOT NULL`;
  // DISTINCT, because a segment may still exist beside the archive that holds its records.
  const distinct = archives.length > 0 ? `SELECT DISTINCT ON (segment, seq) * FROM (${all})` : all;
  return `CREATE OR REPLACE VIEW ${RECORDS} AS ${distinct}`;
}

/** Each file by its name, so that no other file is opened. Wildcards in names are escaped. */
function pathList(folder: string, names: readonly string[]): string {
  const paths = names.map((name) => quoteLiteral(`${folder}/${name}`.replace(/[*?[\]]/g, '[$&]')));
  return `[${paths.join(', ')}]`;
}

function without(lines: readonly DamagedLine[]): string {
  if (lines.length === 0) return '';
  const list = (values: readonly string[]) => [...new Set(values)].map(quoteLiteral).join(', ');
  const segments = list(lines.map(({ segment }) => segment));
  return `
  WHERE CASE WHEN parse_filename(filename) IN (${segments}) THEN md5(line) NOT IN (${list(lines.map(({ md5 }) => md5))}) ELSE true END`;
}

/** Returns the SQL statement that makes a view, and the statements that add its comments. */
export function viewSql({ name, comment, columns, from }: View): readonly string[] {
  const list = columns.map(([column, sql]) => `${sql} AS "${column}"`).join(',\n  ');
  const view = `${CATALOG}.main.${name}`;
  return [
    `CREATE OR REPLACE VIEW ${view} AS SELECT\n  ${list}\nFROM ${from}`,
    `COMMENT ON VIEW ${view} IS ${quoteLiteral(comment)}`,
    ...columns.map(
      ([column, , says]) => `COMMENT ON COLUMN ${view}."${column}" IS ${quoteLiteral(says)}`,
    ),
  ];
}

const textOf = (of: string, field: string) => `json_extract_string(${of}.record, '${field}')`;
const numberOf = (of: string, field: string) => `TRY_CAST(${textOf(of, field)} AS BIGINT)`;
const dollarsOf = (of: string, field: string) => `${numberOf(of, field)} / 1e6`;
const ofSummary = (field: string) => numberOf('c', `$.summary.${field}`);

/** The name of a call, e.g. `udf-semantic_means-clever-fox-3fa2b1-001`: session name, operator and call number. */
const CALL_SESSION = `CASE WHEN s.session LIKE 'sql-%' AND json_extract_string(s.record, 'cascade') LIKE 'built-in/%'
    THEN 'udf-semantic_' || regexp_extract(json_extract_string(s.record, 'cascade'), '([^/]*)\\.ya?ml$', 1) || substr(s.session, 4)
    WHEN s.session LIKE 'sql-%' THEN 'udf' || substr(s.session, 4) ELSE s.session END
    || '-' || format('{:03d}', TRY_CAST(regexp_extract(json_extract_string(s.record, 'attempt'), '(\\d+)$', 1) AS BIGINT))`;

export const VIEWS: readonly View[] = [
  {
    name: 'unified_logs',
    comment: 'a model call that went out',
    columns: [
      ['session_id', CALL_SESSION, 'name of the call: of its run, with a number'],
      ['caller_id', textOf('s', 'caller'), 'the statement that it was made for'],
      [
        'cascade_id',
        `regexp_replace(${textOf('s', 'cascade')}, '^.*/|\\.ya?ml$', '', 'g')`,
        'the cascade',
      ],
      ['cell', textOf('s', 'cell'), 'the cell that asked'],
      ['attempt', numberOf('s', 'n'), '1 for a first call; re-asks and retries count up'],
      ['provider', textOf('s', 'provider'), 'who was asked'],
      ['model', textOf('s', 'model'), 'the model, as its provider names it'],
      ['timestamp', 's."at"', 'when it went out, UTC'],
      ['duration_ms', numberOf('e', 'durationMs'), 'until its answer; NULL while it is in flight'],
      ['tokens_in', numberOf('e', 'tokensIn'), 'tokens of the prompt'],
      ['tokens_out', numberOf('e', 'tokensOut'), 'tokens of the answer'],
      [
        'tokens_cached',
        `coalesce(${numberOf('e', 'tokensCached')}, 0)`,
        "of tokens_in: from the provider's cache",
      ],
      ['cost', dollarsOf('e', 'costMicroUsd'), 'US dollars; NULL where no price is known'],
      [
        'cost_status',
        textOf('e', 'costStatus'),
        'settled, assumed (by a list price), uncosted; NULL while it is in flight',
      ],
      [
        'cache_hit',
        'false',
        'always false: a cache hit is not a call; statements.cache_hits counts hits',
      ],
      ['lane', numberOf('s', 'lane'), '1 to n, where at most n calls are in flight'],
      [
        'queued_ms',
        `coalesce(${numberOf('s', 'queuedMs')}, 0)`,
        'how long the limiter held it before',
      ],
      ['status', textOf('e', 'outcome'), 'ok or failed; NULL while it is in flight'],
      ['error', `json_extract_string(e.record, '$.error.code')`, 'code of the failure'],
      [
        'call_id',
        "coalesce(json_extract_string(s.record, '$.shared.call'), json_extract_string(s.record, 'attempt'))",
        'the call: the same for all rows that shared it (BATCH)',
      ],
      ['call_key', textOf('s', 'callKey'), 'hash of what was asked: equal for equal calls'],
    ],
    from: `(FROM ${RECORDS} WHERE t = 'attempt.start') s LEFT JOIN (FROM ${RECORDS} WHERE t = 'attempt.end') e
  ON json_extract_string(s.record, 'attempt') = json_extract_string(e.record, 'attempt')
WHERE json_extract_string(e.record, 'outcome') IS DISTINCT FROM 'not_sent'`,
  },
  {
    name: 'statements',
    comment: 'a statement that ran a cascade or operator',
    columns: [
      ['caller_id', textOf('o', 'caller'), 'name of the statement, as unified_logs has it'],
      ['session_id', 'o.session', 'name of its session'],
      ['timestamp', 'o."at"', 'when it began, UTC'],
      ['sql', textOf('o', 'sql'), 'its text'],
      ['kind', textOf('o', 'kind'), 'map, run, create_table, insert, sql, explain'],
      ['origin', textOf('o', 'origin'), 'who ran it: api, cli, …'],
      ['label', textOf('o', 'label'), 'WITH (label = …)'],
      ['cascade', textOf('o', 'cascade'), 'files of its cascades'],
      ['parallel', numberOf('o', 'parallel'), 'runs at a time'],
      [
        'status',
        `json_extract_string(c.record, '$.summary.status')`,
        'complete, incomplete; NULL while it runs, or where its process died',
      ],
      ['reason', `json_extract_string(c.record, '$.summary.reason')`, 'why it is incomplete'],
      ['rows', ofSummary('rows.in'), 'rows read, or questions asked'],
      ['rows_ok', ofSummary('rows.ok'), 'rows with a value'],
      ['rows_null', ofSummary('rows.null'), 'rows whose value is NULL'],
      ['rows_failed', ofSummary('rows.failed'), 'rows whose run failed'],
      ['rows_skipped', ofSummary('rows.skipped'), 'rows whose run was skipped'],
      ['calls', ofSummary('calls.sent'), 'model calls that went out'],
      ['retried', ofSummary('calls.retried'), 'of these: made again'],
      ['cache_hits', ofSummary('calls.cacheHits'), 'calls that stored answers settled'],
      ['tokens_in', ofSummary('tokens.in'), 'tokens of the prompts'],
      ['tokens_out', ofSummary('tokens.out'), 'tokens of the answers'],
      [
        'cost',
        `${ofSummary('costMicroUsd')} / 1e6`,
        'US dollars of calls with a known price; NULL where none has one',
      ],
      ['uncosted_calls', ofSummary('uncostedCalls'), 'calls without a known price'],
      ['saved', 'h.saved / 1e6', 'US dollars that the stored answers cost when they were bought'],
      ['duration_ms', ofSummary('durationMs'), 'from its begin to its end'],
    ],
    // A statement may be opened more than once: the latest opening counts.
    from: `(SELECT DISTINCT ON (session) * FROM ${RECORDS} WHERE t = 'statement.open' ORDER BY session, seq DESC) o
LEFT JOIN (FROM ${RECORDS} WHERE t = 'statement.close') c ON c.session = o.session
LEFT JOIN (SELECT session, sum(${numberOf('k', 'savedMicroUsd')}) AS saved FROM ${RECORDS} k WHERE t = 'cache.hits' GROUP BY session) h
  ON h.session = o.session`,
  },
  {
    name: 'runs',
    comment: 'runs of cascades that settled side by side',
    columns: [
      ['session_id', 'r.session', 'name of the session'],
      ['caller_id', textOf('r', 'caller'), 'the statement that they were made for'],
      ['timestamp', 'r."at"', 'when the last of them settled, UTC'],
      ['first_run', numberOf('r', 'first'), 'number of the first of them, from 0'],
      ['runs', numberOf('r', 'count'), 'number of runs'],
      ['rows_ok', numberOf('r', 'ok'), 'rows of these runs with a value'],
      ['rows_null', numberOf('r', 'null'), 'rows of these runs whose value is NULL'],
      ['rows_failed', numberOf('r', 'failed'), 'rows of these runs that failed'],
      ['rows_skipped', numberOf('r', 'skipped'), 'rows of these runs that were skipped'],
    ],
    from: `(FROM ${RECORDS} WHERE t = 'rows') r`,
  },
  {
    name: 'cache',
    comment: 'a stored answer that is used in place of a call',
    columns: [
      ['call_key', 'a.key', 'hash of what was asked'],
      ['provider', 'coalesce(a.provider, s.provider)', 'who answered'],
      ['model', 'coalesce(a.model, s.model)', 'the model, as its provider names it'],
      ['timestamp', 'a."at"', 'when it was given, UTC'],
      ['answer', textOf('a', 'value'), 'the text'],
      ['tokens_in', numberOf('a', 'tokensIn'), 'tokens of the prompt'],
      ['tokens_out', numberOf('a', 'tokensOut'), 'tokens of the answer'],
      [
        'cost',
        dollarsOf('a', 'costMicroUsd'),
        'US dollars that it cost; NULL where no price is known',
      ],
    ],
    from: `(SELECT *, json_extract_string(record, 'callKey') AS key, json_extract_string(record, 'provider') AS provider, json_extract_string(record, 'model') AS model
  FROM ${RECORDS} WHERE t IN ('attempt.end', 'answer') AND json_extract_string(record, 'value') IS NOT NULL AND json_extract_string(record, 'callKey') IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY key ORDER BY "at" DESC, seq DESC) = 1) a
LEFT JOIN (SELECT json_extract_string(record, 'attempt') AS attempt, json_extract_string(record, 'provider') AS provider, json_extract_string(record, 'model') AS model
  FROM ${RECORDS} WHERE t = 'attempt.start') s ON s.attempt = json_extract_string(a.record, 'attempt')
WHERE NOT EXISTS (FROM ${RECORDS} d WHERE d.t = 'cache.clear' AND a."at" < TRY(make_timestamp(${numberOf('d', 'before')}))
  AND (json_extract(d.record, 'keys') IS NULL OR list_contains(TRY_CAST(json_extract(d.record, 'keys') AS VARCHAR[]), a.key)))`,
  },
];
