/** Every option, given in every way, in every kind of statement: it takes effect, or it is refused by its name. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANNOTATIONS, OPTIONS } from '../../grammar/index.ts';
import { Engine, RvbbitError } from '../../src/index.ts';
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
/** Keys of a cell that are options too, with a value. */
const CELL_KEYS = {
  model: 'sim/other',
  temperature: '0.3',
  max_tokens: '7',
  top_p: '0.5',
  reasoning_effort: 'low',
  seed: '9',
  timeout: '1ms',
} as const;
const cascades = makeFolder({
  'ask.yaml': ASK(),
  'each.yaml': EACH('ask.yaml'),
  ...Object.fromEntries(
    Object.entries(CELL_KEYS).flatMap(([key, value]) => [
      [`ask-${key}.yaml`, ASK(`, ${key}: ${value}`)],
      [`each-${key}.yaml`, EACH(`ask-${key}.yaml`)],
    ]),
  ),
});
test.after(() => removeFolder(cascades));

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
let engine: Engine;
/** Records of the statement that runs. */
let records: string[] = [];
let onHeld = (): void => {};
test.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const price = { inputPerMtok: 1_000_000, outputPerMtok: 0 };
  engine = await Engine.open({
    cascades,
    threads: 1,
    providers: {
      sim: {
        baseUrl: `http://127.0.0.1:${port}/v1`,
        responseFormat: 'json_schema',
        prices: { m: price, other: price },
      },
    },
    model: 'sim/m',
  });
  engine.events.on('record', (record: { readonly t: string }) => {
    if (record.t === 'statement.open') records.push(JSON.stringify(record));
    if (record.t === 'calls.held') onHeld();
  });
  await engine.query('CREATE SCHEMA s1');
});
test.after(async () => {
  await engine.close();
  server.closeAllConnections();
  server.close();
});

type Verb = 'map' | 'run';
/** The words of a statement: `with` is the inside of WITH, `rows` the query, `suffix` goes into the file's name. */
interface Words {
  readonly with: string;
  readonly rows: string;
  readonly suffix: string;
}
interface Kind {
  sql(words: Words): string;
  /** The verb whose WITH the statement has; undefined: it has none. */
  readonly verb?: Verb;
  readonly explained?: true;
  readonly writes?: true;
}

const withOf = (options: string) => (options === '' ? '' : ` WITH (${options})`);
const map = ({ with: options, rows, suffix }: Words) =>
  `RVBBIT MAP 'ask${suffix}.yaml' USING (${rows})${withOf(options)}`;
const run = ({ with: options, rows, suffix }: Words) =>
  `RVBBIT RUN 'each${suffix}.yaml' USING (${rows})${withOf(options)}`;
const select = ({ rows }: Words) =>
  `SELECT v, v MEANS 'even' AS m, CASE WHEN v ABOUT 'x' THEN 1 END AS s FROM (${rows})`;
const KINDS: Readonly<Record<string, Kind>> = {
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
interface Given {
  readonly before?: string;
  readonly with?: string;
  readonly suffix?: string;
}

/** How an option shows. */
interface Probe {
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
const PROBES: Readonly<Record<string, Probe>> = {
  parallel: { value: '2', slow: true },
  batch: { value: '5' },
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
async function seen(
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
  const words = { with: inside.join(', '), rows, suffix: given.suffix ?? '' };
  const semantic = kind.verb === undefined && pairs === true;
  const plain = semantic
    ? `${kind.sql(words).split('SELECT')[0]}SELECT x.v FROM (${rows}) x JOIN (${rows}) y ON x.v MEANS y.v`
    : kind.sql(words);
  const sql = `${given.before ?? ''}${plain}`;
  let error: RvbbitError | undefined;
  let shown: unknown;
  for (let left = again === true ? 2 : 1; left > 0; left--) {
    requests = [];
    records = [];
    [mostInFlight, onceLeft, error] = [0, 1, undefined];
    const held = new AbortController();
    onHeld = () => held.abort();
    try {
      if (kind.explained === true && left === 1) {
        const { warnings: _, ...report } = (await engine.explain(sql)) as unknown as {
          warnings: unknown;
        };
        shown = report;
      } else {
        const result = await engine.query(sql, undefined, { signal: held.signal });
        shown = [result.rows, result.summary.runs, result.summary.status];
      }
    } catch (thrown) {
      if (!(thrown instanceof RvbbitError)) throw thrown;
      error = thrown;
    }
  }
  const { rows: tables } = await engine.query(
    "SELECT schema_name || '.' || table_name AS t FROM duckdb_tables() WHERE NOT starts_with(table_name, 'rvb') ORDER BY t",
  );
  const asked = requests.map((request) => JSON.stringify(request)).sort();
  const [open] = records.map((record) => JSON.parse(record) as Record<string, unknown>);
  const { parallel, strategy, label } = open ?? {};
  const written: unknown[] = [];
  for (const { t } of tables) {
    written.push((await engine.query(`FROM ${String(t)} ORDER BY ALL`)).rows);
    await engine.query(`DROP TABLE ${String(t)}`);
  }
  const all = [
    error?.code,
    shown,
    asked,
    slow === true ? mostInFlight : 0,
    tables,
    written,
    { parallel, strategy, label },
  ];
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

const KEYS = new Set([...OPTIONS.keys(), ...ANNOTATIONS.keys()]);

test('every option and annotation has a value whose effect can be seen', () => {
  assert.equal(Object.keys(PROBES).sort(), [...KEYS].sort());
});

/** Every way to give an option in the text of a statement of this kind. */
function waysOf(key: string, { verb, writes }: Kind): readonly Given[] {
  // A failed answer ends a statement that writes, unless it says otherwise.
  const value = key === 'on_error' && writes === true ? 'null' : PROBES[key]!.value;
  const bare = value.replace(/^'(.*)'$/, '$1');
  const annotated: Given = { before: `-- @ ${key}: ${bare}\n` };
  return verb === undefined ? [annotated] : [annotated, { with: `${key} = ${value}` }];
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: an option takes effect, or is refused by its name`, async () => {
    const wrong: string[] = [];
    const bases = new Map<string, string>();
    for (const [key, probe] of Object.entries(PROBES)) {
      const { value: _, unforeseen, ...about } = probe;
      // The row that fails must not end a statement that writes.
      const always = kind.writes === true && key !== 'on_error' ? '-- @ on_error: null\n' : '';
      for (const way of waysOf(key, kind)) {
        const { error, text } = await seen(
          kind,
          { ...way, before: `${always}${way.before ?? ''}` },
          about,
        );
        if (error?.message.includes(key) === true) continue;
        const baseKey = JSON.stringify([about, always]);
        if (!bases.has(baseKey))
          bases.set(baseKey, (await seen(kind, { before: always }, about)).text);
        if (text !== bases.get(baseKey)) continue;
        if (kind.explained === true && unforeseen === true) continue;
        wrong.push(`${way.before?.trim() ?? `WITH (${way.with})`}`);
      }
    }
    assert.equal(wrong, []);
  });
}

test('a key of a cell takes effect in every kind of statement that runs it', async () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    if (kind.verb === undefined || kind.explained === true) continue;
    const base = await seen(kind, {}, {});
    for (const key of Object.keys(CELL_KEYS)) {
      const { text } = await seen(kind, { suffix: `-${key}` }, {});
      assert.not.equal(text, base.text, `${name}, ${key}`);
    }
  }
});

test.run();
