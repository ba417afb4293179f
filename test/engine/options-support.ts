/** What the storms about options share: kinds of statements, options with a visible effect, and what is seen of a statement. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Engine, type EngineOptions, RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const ASK = (more = '') => `cascade_id: ask
inputs_schema: { v: a value }
cells: [{ name: ask, instructions: "About {{ input.v }}: yes or no?"${more} }]
`;
const EACH = (cascade: string) => `cascade_id: each
cells:
  - name: each
    materialize: each_table
    for_each_row: { query: 'FROM {{ input.data_table }}', cascade: ${cascade} }
`;
/** An operator of one's own, whose cell has a key. */
const OPERATOR = (key: string, value: string) => `cascade_id: ponders_${key}
sql_function:
  name: PONDERS_${key.toUpperCase()}
  returns: BOOLEAN
  args: [{ name: text, type: VARCHAR }, { name: criterion, type: VARCHAR }]
cells:
  - name: ask
    instructions: "Is {{ input.text }} {{ input.criterion }}?"
    ${key}: ${value}
    output_schema: { type: object, required: [answer], properties: { answer: { type: boolean } } }
output: outputs.ask.answer
`;
/** Keys of a cell that are options too, with a value. */
export const CELL_KEYS = {
  model: 'sim/other',
  temperature: '0.3',
  max_tokens: '7',
  top_p: '0.5',
  reasoning_effort: 'low',
  seed: '9',
  timeout: '1ms',
} as const;
/** A folder with a cascade of one cell, and one that runs it for each row; each also once for every key of CELL_KEYS. */
export const cascades = makeFolder({
  'ask.yaml': ASK(),
  'each.yaml': EACH('ask.yaml'),
  'operators/ponders_nothing.yaml': OPERATOR('nothing', '').replace(/^ {4}nothing:.*\n/m, ''),
  ...Object.fromEntries(
    Object.entries(CELL_KEYS).flatMap(([key, value]) => [
      [`ask-${key}.yaml`, ASK(`, ${key}: ${value}`)],
      [`each-${key}.yaml`, EACH(`ask-${key}.yaml`)],
      [`operators/ponders_${key}.yaml`, OPERATOR(key, value)],
    ]),
  ),
});
/** A model server: fails each question with `bad` in it, and the first with `once`. */
const CALL_MS = 5;
/** So long that calls of several lanes overlap. */
const SLOW_MS = 60;
let callMs = CALL_MS;
interface Request {
  readonly model: string;
  readonly [parameter: string]: unknown;
}
let requests: Request[] = [];
let inFlight = 0;
let mostInFlight = 0;
let onceLeft = 0;
const server = createServer(async (req, res) => {
  let body = '';
  for await (const part of req) body += part;
  inFlight += 1;
  mostInFlight = Math.max(mostInFlight, inFlight);
  requests.push(JSON.parse(body) as Request);
  await new Promise((resolve) => setTimeout(resolve, callMs));
  inFlight -= 1;
  const fails = /\bonce\b/.test(body) && onceLeft-- > 0 ? 503 : /\bbad\b/.test(body) ? 400 : 200;
  const value = body.includes('"json_schema"')
    ? `{"answer":${/"type":"number"/.test(body) ? '0.6' : 'true'}}`
    : 'yes';
  const message = { role: 'assistant', content: value };
  res.writeHead(fails, { 'content-type': 'application/json', 'retry-after': '0' });
  res.end(
    JSON.stringify({
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 1 },
    }),
  );
});
const price = { inputPerMtok: 1_000_000, outputPerMtok: 0 };

/** Starts the model server, and gives the engine options that ask it. */
export async function startModel() {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sim = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    responseFormat: 'json_schema',
    prices: { m: price, other: price },
  };
  return { cascades, threads: 1, providers: { sim }, model: 'sim/m' };
}

export function endModel(): void {
  removeFolder(cascades);
  server.closeAllConnections();
  server.close();
}

/** Whatever executes a statement. */
export interface Subject {
  /** What was seen of statements without the option that is asked about. */
  readonly seen: Map<string, string>;
  /** What a statement, or its EXPLAIN, gives. */
  ask(sql: string, explained: boolean): Promise<unknown>;
  /** What the statement has left behind, which is removed. */
  left(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** An engine, with options for each of its calls. */
export async function engineWith(options: EngineOptions, call: object = {}): Promise<Subject> {
  const engine = await Engine.open(options);
  const opened: string[] = [];
  let onHeld = (): void => {};
  engine.events.on('record', (record: { readonly t: string }) => {
    if (record.t === 'statement.open') opened.push(JSON.stringify(record));
    if (record.t === 'calls.held') onHeld();
  });
  await engine.query('CREATE SCHEMA s1');
  return {
    seen: new Map(),
    async ask(sql, explained) {
      opened.length = 0;
      if (explained) {
        const report = { ...(await engine.explain(sql, undefined, call)), warnings: [] };
        return report;
      }
      // What waits for a limit of calls a minute is not waited for.
      const held = new AbortController();
      onHeld = () => held.abort();
      const result = await engine.query(sql, undefined, { signal: held.signal, ...call });
      return [result.rows, result.summary.runs, result.summary.status];
    },
    async left() {
      const [open] = opened.map((record) => JSON.parse(record) as Record<string, unknown>);
      const { parallel, strategy, label } = open ?? {};
      const { rows: tables } = await engine.query(
        "SELECT schema_name || '.' || table_name AS t FROM duckdb_tables() WHERE NOT starts_with(table_name, 'rvb') ORDER BY t",
      );
      const written: unknown[] = [];
      for (const { t } of tables) {
        written.push((await engine.query(`FROM ${String(t)} ORDER BY ALL`)).rows);
        await engine.query(`DROP TABLE ${String(t)}`);
      }
      return [tables, written, { parallel, strategy, label }];
    },
    close: () => engine.close(),
  };
}

type Verb = 'map' | 'run';
/** The words of a statement: `with` is the inside of WITH, `rows` the query, `suffix` goes into the file's name. */
interface Words {
  readonly with: string;
  readonly rows: string;
  readonly suffix: string;
  /** What stands between the verb and the cascade. */
  readonly modifier: string;
}
export interface Kind {
  sql(words: Words): string;
  /** The verb whose WITH the statement has; undefined: it has none. */
  readonly verb?: Verb;
  readonly explained?: true;
  readonly writes?: true;
}

const withOf = (options: string) => (options === '' ? '' : ` WITH (${options})`);
const map = ({ with: options, rows, suffix, modifier }: Words) =>
  `RVBBIT MAP ${modifier}'ask${suffix}.yaml' USING (${rows})${withOf(options)}`;
const run = ({ with: options, rows, suffix, modifier }: Words) =>
  `RVBBIT RUN ${modifier}'each${suffix}.yaml' USING (${rows})${withOf(options)}`;
const select = ({ rows, suffix }: Words) =>
  suffix !== ''
    ? `SELECT PONDERS${suffix.replace('-', '_')}(v, 'even') AS m FROM (${rows})`
    : `SELECT v, v MEANS 'even' AS m, CASE WHEN v ABOUT 'x' THEN 1 END AS s FROM (${rows})`;
/** The kinds of statements. */
export const KINDS: Readonly<Record<string, Kind>> = {
  MAP: { sql: map, verb: 'map' },
  RUN: { sql: run, verb: 'run' },
  'MAP in brackets': { sql: (words) => `SELECT * FROM (${map(words)})`, verb: 'map' },
  'RUN in brackets': { sql: (words) => `SELECT * FROM (${run(words)})`, verb: 'run' },
  'EXPLAIN of a MAP': { sql: map, verb: 'map', explained: true },
  'EXPLAIN of a RUN': { sql: run, verb: 'run', explained: true },
  'semantic SELECT': { sql: select },
  'semantic write': {
    sql: (words) => `CREATE OR REPLACE TABLE w AS ${select(words)}`,
    writes: true,
  },
  'EXPLAIN of a semantic SELECT': { sql: select, explained: true },
};

/** What a test adds to a statement. */
export interface Given {
  readonly before?: string;
  readonly with?: string;
  readonly suffix?: string;
  readonly modifier?: string;
}

/** How an option shows. */
export interface Probe {
  readonly value: string;
  /** What stands in WITH beside the option, with and without it. */
  readonly beside?: string;
  /** True: what counts is a second execution of the same statement. */
  readonly again?: true;
  /** The rows' query has a value whose first call fails. */
  readonly once?: true;
  /** What counts is how many calls are in flight at once. */
  readonly slow?: true;
  /** The operators compare two columns. */
  readonly pairs?: true;
  /** What EXPLAIN says does not depend on it, since it says nothing of failures, names and answers. */
  readonly unforeseen?: true;
}

/** For every option of WITH and every annotation: a value that changes what is seen. */
export const PROBES: Readonly<Record<string, Probe>> = {
  parallel: { value: '2', slow: true },
  batch: { value: '5' },
  service: { value: "'batch'" },
  limit: { value: '2' },
  on_error: { value: "'fail'", unforeseen: true },
  error_column: { value: "'err'", unforeseen: true },
  retries: { value: '0', once: true, unforeseen: true },
  timeout: { value: "'1ms'", unforeseen: true },
  deadline: { value: "'1ms'", unforeseen: true },
  max_cost: { value: '0.5' },
  max_calls: { value: '1' },
  max_total_tokens: { value: '1' },
  rpm: { value: '1' },
  input_tpm: { value: '1' },
  output_tpm: { value: '1', beside: 'max_tokens = 5' },
  max_pairs: { value: '1', pairs: true },
  cache: { value: 'false', again: true },
  dedupe: { value: 'false' },
  model: { value: "'sim/other'" },
  temperature: { value: '0.3', unforeseen: true },
  max_tokens: { value: '7', unforeseen: true },
  top_p: { value: '0.5', unforeseen: true },
  reasoning_effort: { value: "'low'", unforeseen: true },
  seed: { value: '9', unforeseen: true },
  order: { value: "'completion'" },
  strategy: { value: "'sequential'", beside: 'parallel = 3', slow: true },
  as_table: { value: "'kept'", unforeseen: true },
  schema: { value: "'s1'", unforeseen: true },
  result_column: { value: "'rc'", unforeseen: true },
  dedupe_by: { value: "'v'" },
  distinct: { value: 'true' },
  label: { value: "'nightly'", unforeseen: true },
  threshold: { value: '0.9', unforeseen: true },
  join: { value: 'nested' },
  prompt: { value: 'Be strict.' },
};

let statements = 0;

/** Runs a statement, and returns what is seen of it, as text; its error apart. */
export async function seen(
  subject: Subject,
  kind: Kind,
  given: Given,
  { once, again, pairs, beside, slow }: Partial<Probe>,
): Promise<{ readonly error: RvbbitError | undefined; readonly text: string }> {
  statements += 1;
  callMs = slow === true ? SLOW_MS : CALL_MS;
  const own = `n${statements}`;
  const values = ['a', 'a', once === true ? 'once' : 'bad', 'c', 'd'].map((v) => `('${v} ${own}')`);
  const rows = `SELECT v FROM (VALUES ${values.join(', ')}) t(v)`;
  const inside = [beside, given.with].filter((part) => part !== undefined && part !== '');
  const { suffix = '', modifier = '' } = given;
  const words = { with: inside.join(', '), rows, suffix, modifier };
  const semantic = kind.verb === undefined && pairs === true;
  const plain = semantic
    ? `${kind.sql(words).split('SELECT')[0]}SELECT x.v FROM (${rows}) x JOIN (${rows}) y ON x.v MEANS y.v`
    : kind.sql(words);
  const sql = `${given.before ?? ''}${plain}`;
  let error: RvbbitError | undefined;
  let shown: unknown;
  for (let left = again === true ? 2 : 1; left > 0; left--) {
    requests = [];
    [mostInFlight, onceLeft, error] = [0, 1, undefined];
    try {
      shown = await subject.ask(sql, kind.explained === true && left === 1);
    } catch (thrown) {
      if (!(thrown instanceof RvbbitError)) throw thrown;
      error = thrown;
    }
  }
  const asked = requests.map((request) => JSON.stringify(request)).sort();
  const lanes = slow === true ? mostInFlight : 0;
  const all = [error?.code, shown, asked, lanes, ...(await subject.left())];
  const text = JSON.stringify(all, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return { error, text: normal(text, own) };
}

/** Takes out of a text what differs between two equal statements. */
function normal(text: string, own: string): string {
  return text
    .replaceAll(own, 'n')
    .replace(/[a-z]+[-_][a-z]+[-_][a-z]+[-_][0-9a-f]{6}/g, 'session')
    .replace(/\\"duration_ms\\":\d+/g, '');
}

/** What the option would say in WITH, without the quotes. */
export function bareValue(key: string): string {
  return PROBES[key]!.value.replace(/^'(.*)'$/, '$1');
}

/**
 * Compares, for a kind of statement, each of `given` with the same statement without it, and lists those that change
 * nothing that is seen and are not refused by the name of their option.
 */
export async function withoutEffect(
  subject: Subject,
  kind: Kind,
  given: readonly { readonly key: string; readonly way: Given }[],
  plain: Subject = subject,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const { key, way } of given) {
    const { value: _, unforeseen, ...about } = PROBES[key]!;
    // The row that fails must not end a statement that writes.
    const always = kind.writes === true && key !== 'on_error' ? '-- @ on_error: null\n' : '';
    const before = `${always}${way.before ?? ''}`;
    const { error, text } = await seen(subject, kind, { ...way, before }, about);
    if (error?.message.toLowerCase().includes(key) === true) continue;
    const base: Given = { before: always, suffix: way.suffix ?? '' };
    const baseKey = JSON.stringify([Object.values(KINDS).indexOf(kind), about, base]);
    const known = plain.seen.get(baseKey) ?? (await seen(plain, kind, base, about)).text;
    plain.seen.set(baseKey, known);
    if (text !== known) continue;
    if (kind.explained === true && unforeseen === true) continue;
    wrong.push(way.before?.trim() ?? way.modifier ?? `${key} = ${way.with}`);
  }
  return wrong;
}
