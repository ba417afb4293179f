/** Parameters that the engine adds by itself: Anthropic's structured output, and the key of OpenAI's prompt cache. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EngineOptions, Summary } from '../../src/index.ts';
import { closedSchema } from '../../src/model/protocols/closed-schema.ts';
import { readBuiltInFiles } from '../../src/operators/write-built-in.ts';
import type { LedgerEntry } from '../../src/sim/ledger.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import type { JsonObject } from '../../src/util/json.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { withModel } from './engine-support.ts';

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...{ type: 'object', properties, required: Object.keys(properties) },
  ...more,
});
const text = { type: 'string' };

test('a schema is closed, and what is only checked is left out', () => {
  const given = object({
    a: { type: ['integer', 'null'], minimum: 0, description: 'the a' },
    b: { type: 'array', minItems: 2, items: object({ c: { type: 'string', pattern: '^x' } }) },
    d: { anyOf: [text, { enum: [1, null] }] },
  });
  const closed = { additionalProperties: false };
  assert.equal(
    closedSchema(given),
    object(
      {
        a: { type: ['integer', 'null'], description: 'the a' },
        b: { type: 'array', items: object({ c: text }, closed) },
        d: { anyOf: [text, { enum: [1, null] }] },
      },
      closed,
    ),
  );
});

test('a schema that cannot be closed is not', () => {
  const open: readonly JsonObject[] = [
    { type: 'object' },
    object({ a: {} }),
    object({ a: { description: 'anything' } }),
    object({ a: { type: 'object' } }),
    object({ a: text }, { additionalProperties: true }),
    object({ a: text }, { additionalProperties: text }),
    object({ a: { type: 'array' } }),
    object({ a: { enum: [{ b: 1 }] } }),
    object({ a: { type: 'string', anyOf: [text] } }),
    object({ a: { oneOf: [text] } }),
    object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: text } }),
    object({ a: text }, { if: object({ a: text }) }),
  ];
  for (const schema of open) assert.is(closedSchema(schema), undefined, JSON.stringify(schema));
});

test('the schema of every built-in operator can be closed', async () => {
  for (const { operator, file } of await readBuiltInFiles()) {
    for (const cell of operator.cascade.cells) {
      if (cell.kind !== 'instructions' || cell.outputSchema?.['type'] !== 'object') continue;
      assert.ok(closedSchema(cell.outputSchema) !== undefined, file);
    }
  }
});

interface Seen {
  readonly entries: readonly LedgerEntry[];
  readonly summary: Summary;
}

/** Runs a cascade of one cell over three rows, one call after another. */
async function seenBy(
  cell: string,
  {
    provider = {},
    server = {},
    statements = 1,
  }: { provider?: object; server?: SimulatorOptions; statements?: number } = {},
): Promise<Seen> {
  const folder = makeFolder({ 'one.yaml': `cascade_id: one\ncells:\n  - name: ask\n${cell}` });
  const engine = { cascades: folder, providers: provider } as EngineOptions;
  try {
    return await withModel({ engine, server }, async (opened, sim) => {
      const run = () =>
        opened.query(
          "RVBBIT MAP 'one.yaml' AS v USING (SELECT 'n' || i AS word FROM range(3) r(i)) WITH (cache = false)",
        );
      let result = await run();
      for (let n = 1; n < statements; n++) result = await run();
      const { entries } = await sim.ledger();
      return { entries, summary: result.summary };
    });
  } finally {
    removeFolder(folder);
  }
}

const CELL = `    instructions: "How is {{ input.word }}?"
    output_schema: { type: object, required: [mood], properties: { mood: { enum: [good, bad] } } }
`;
const THINKING = { thinking: { type: 'enabled', budget_tokens: 1_024 } };
const formsOf = ({ entries }: Seen) => entries.map(({ form, outcome }) => [form, outcome]);
const structured = ['json_schema', 'answered'];
const forced = ['tool', 'answered'];
const refused = [undefined, 'rejected'];

test('Anthropic gets a schema as a structured output, and the model may think', async () => {
  for (const parameters of [{}, { add: THINKING }]) {
    const seen = await seenBy(CELL, { provider: { type: 'anthropic', parameters } });
    assert.equal(formsOf(seen), [structured, structured, structured]);
    assert.is(seen.summary.rows.ok, 3);
  }
});

test('a model that refuses it is asked once more, by a tool, and never again with it', async () => {
  const seen = await seenBy(CELL, {
    provider: { type: 'anthropic' },
    server: { refuses: ['output_config'] },
    statements: 2,
  });
  assert.equal(formsOf(seen), [refused, ...Array.from({ length: 6 }, () => forced)]);
  assert.equal([seen.summary.rows.ok, seen.summary.calls.sent], [3, 3]);
});

test('a schema that is too complex for it teaches the same', async () => {
  const message = 'The compiled grammar is too large, which would cause performance issues.';
  const seen = await seenBy(CELL, {
    provider: { type: 'anthropic' },
    server: { rules: [{ times: 1, fault: { kind: 'status', status: 400, message } }] },
  });
  assert.equal(formsOf(seen).slice(1), [forced, forced, forced]);
  assert.equal(seen.summary.refusedParameters, [
    { model: 'sim/test-model', parameter: 'output_config' },
  ]);
});

test('an operator may leave it out; a tool is forced, and none on a model that thinks', async () => {
  const drop = ['output_config'];
  const seen = await seenBy(CELL, { provider: { type: 'anthropic', parameters: { drop } } });
  assert.equal(formsOf(seen), [forced, forced, forced]);
  const thinks = await seenBy(CELL, {
    provider: { type: 'anthropic', parameters: { drop, add: THINKING } },
  });
  assert.equal(formsOf(thinks)[0], [undefined, 'answered']);
});

const LONG = `    system: "${'Be kind to everyone. '.repeat(250)}"\n    instructions: "How is {{ input.word }}?"\n`;
const SHORT = '    system: "Be kind."\n    instructions: "How is {{ input.word }}?"\n';
const keysOf = ({ entries }: Seen) => entries.map(({ cacheKey }) => cacheKey);

test('prompts with the same long start have one key of the prompt cache', async () => {
  const [key, ...others] = keysOf(await seenBy(LONG));
  assert.match(String(key), /^[0-9a-f]{16}$/);
  assert.equal(others, [key, key]);
  const other = keysOf(await seenBy(LONG.replace('kind', 'good')));
  assert.is.not(other[0], key);
});

test('a short or a varying start has none, and that of the operator stays', async () => {
  const none = [undefined, undefined, undefined];
  assert.equal(keysOf(await seenBy(SHORT)), none);
  assert.equal(keysOf(await seenBy(LONG.replace('Be kind', 'Be {{ input.word }} kind'))), none);
  const add = { prompt_cache_key: 'ours' };
  assert.equal(keysOf(await seenBy(LONG, { provider: { parameters: { add } } })), [
    ...['ours', 'ours', 'ours'],
  ]);
  const drop = ['prompt_cache_key'];
  assert.equal(keysOf(await seenBy(LONG, { provider: { parameters: { drop } } })), none);
});

test('a server that refuses the key gets it once', async () => {
  const seen = await seenBy(LONG, { server: { refuses: ['prompt_cache_key'] }, statements: 2 });
  assert.equal(
    seen.entries.map(({ outcome }) => outcome),
    ['rejected', ...Array.from({ length: 6 }, () => 'answered')],
  );
  assert.is(seen.summary.rows.ok, 3);
});

test.run();
