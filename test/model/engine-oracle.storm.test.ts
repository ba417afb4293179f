/** Model calls beside a serial oracle, row for row: values, failures, the account, and what the server was asked. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Row } from '../../src/index.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { cases, QUICK_BUDGET_MS, reportCases, seed } from '../support/cases.ts';
import { type Asked, queryOf, withModel } from './engine-support.ts';

const HOWS = [
  'good',
  'good',
  'good',
  'bad request',
  'refused',
  'filtered',
  'cut off',
  'tool call',
  'fenced',
  'stubborn',
  'yielding',
] as const;

interface InputRow {
  readonly word: string;
  readonly number: number;
  readonly how: (typeof HOWS)[number];
  readonly delayMs: number;
}

interface Case {
  readonly rows: readonly InputRow[];
  readonly cascade: 'patient' | 'json' | 'gate' | 'two';
  readonly parallel: number;
  readonly onError: 'null' | 'skip' | 'default:gone';
  readonly dedupe: boolean;
}

const row = fc.record({
  word: fc.constantFrom('plain', "it's", '{{ x }}', 'ünï', '"q"'),
  number: fc.integer({ min: 0, max: 3 }),
  how: fc.constantFrom(...HOWS),
  delayMs: fc.constantFrom(0, 0, 0, 1, 4, 12),
});

const anyCase: fc.Arbitrary<Case> = fc.record({
  rows: fc.oneof(
    { weight: 12, arbitrary: fc.array(row, { maxLength: 20 }) },
    { weight: 1, arbitrary: fc.array(row, { minLength: 21, maxLength: 150 }) },
  ),
  cascade: fc.constantFrom('patient', 'json', 'gate', 'two'),
  parallel: fc.integer({ min: 1, max: 12 }),
  onError: fc.constantFrom('null', 'skip', 'default:gone'),
  dedupe: fc.boolean(),
});

/** A second call holds no directive in its last message; the whole conversation says how it is answered. */
const server: SimulatorOptions = {
  rules: [
    { when: { contains: '"Acme 1"' }, answer: { brand: 'Acme 2' } },
    { when: { contains: '"Acme 3"' }, answer: { brand: 'Bose' } },
  ],
};

/** What the server is told to do with a row's first call. */
function simOf({ how, number, delayMs }: InputRow, isJson: boolean): object {
  const answer = isJson ? { answer: { brand: brandOf(number) } } : {};
  const content = (what: string) => ({ ...answer, delayMs, fault: { kind: 'content', what } });
  switch (how) {
    case 'bad request':
      return { delayMs, status: 400 };
    case 'refused':
      return content('refusal');
    case 'filtered':
      return content('content-filter');
    case 'cut off':
      return content('length');
    case 'tool call':
      return content('tool-calls');
    case 'fenced':
      return isJson ? content('fenced') : { delayMs };
    case 'stubborn':
      return isJson ? { delayMs, answer: { brand: 'Acme 1' } } : { delayMs };
    case 'yielding':
      return isJson ? { delayMs, answer: { brand: 'Acme 3' } } : { delayMs };
    case 'good':
      return { ...answer, delayMs };
  }
}

function brandOf(number: number): string {
  return number % 2 === 0 ? 'Sony' : 'Bose';
}

interface Verdict {
  readonly kind: 'value' | 'skipped' | 'failed';
  readonly text: string;
  /** What is asked with success: once in a statement, where it may share answers. */
  readonly prompts: readonly string[];
  /** Calls that give no answer to share. */
  readonly failedCalls: number;
}

const FAILURES: Partial<Record<InputRow['how'], string>> = {
  'bad request': 'RVB_MODEL_HTTP',
  refused: 'RVB_MODEL_REFUSED',
  filtered: 'RVB_MODEL_REFUSED',
  'cut off': 'RVB_MODEL_TRUNCATED',
  'tool call': 'RVB_ANSWER_INVALID',
};

function verdictOf(cascade: Case['cascade'], input: InputRow, asked: Asked): Verdict {
  const { how, word, number } = input;
  const none = { prompts: [], failedCalls: 0 };
  if (cascade === 'gate' && number <= 1) return { kind: 'skipped', text: '', ...none };
  const failure = FAILURES[how];
  if (failure !== undefined) return { kind: 'failed', text: failure, ...none, failedCalls: 1 };
  const said = `Say ${word} ${number}`;
  const first = JSON.stringify(asked);
  if (cascade === 'two') {
    const text = `Again ${said}`;
    return { kind: 'value', text, prompts: [first, text], failedCalls: 0 };
  }
  const answered = { kind: 'value', prompts: [first], failedCalls: 0 } as const;
  if (cascade !== 'json') return { ...answered, text: said };
  if (how === 'stubborn') {
    return { kind: 'failed', text: 'RVB_ANSWER_INVALID', prompts: [], failedCalls: 2 };
  }
  if (how === 'yielding') return { ...answered, text: 'Bose', failedCalls: 1 };
  return { ...answered, text: brandOf(number) };
}

/** What asking row after row gives. */
function expected({ rows, cascade, onError, dedupe }: Case, asked: readonly Asked[]) {
  const verdicts = rows.map((input, index) => verdictOf(cascade, input, asked[index]!));
  const keys = asked.map((input) => JSON.stringify(input));
  const runs = verdicts.filter((_, index) => !dedupe || keys.indexOf(keys[index]!) === index);
  const prompts = runs.flatMap((run) => run.prompts);
  const failedCalls = runs.reduce((sum, run) => sum + run.failedCalls, 0);
  const count = (kind: Verdict['kind']) => verdicts.filter((v) => v.kind === kind).length;
  return {
    rows: verdicts.flatMap(({ kind, text }, index): Row[] => {
      if (kind === 'failed' && onError === 'skip') return [];
      const { word, number } = rows[index]!;
      const instead = kind === 'failed' && onError !== 'null' ? 'gone' : null;
      const v = kind === 'value' ? text : instead;
      return [{ word, number, v, code: kind === 'failed' ? text : null }];
    }),
    runs: runs.length,
    calls: (dedupe ? new Set(prompts).size : prompts.length) + failedCalls,
    account: {
      in: rows.length,
      ok: count('value'),
      null: 0,
      failed: count('failed'),
      skipped: count('skipped'),
      notRun: 0,
      deduped: 0,
    },
  };
}

test('answers equal the serial oracle, with never more than n calls in flight', async () => {
  const wanted = cases(400, 10_000);
  const startMs = performance.now();
  let done = 0;
  let calls = 0;
  await withModel({ server }, async (engine, sim) => {
    const property = fc.asyncProperty(anyCase, async (one) => {
      if (wanted === 400 && performance.now() - startMs > QUICK_BUDGET_MS) return;
      const isJson = one.cascade === 'json';
      const asked = one.rows.map(
        (input): Asked => ({ word: input.word, number: input.number, sim: simOf(input, isJson) }),
      );
      await sim.reset();
      const { rows, summary } = await engine.query(
        `RVBBIT MAP PARALLEL ${one.parallel} '${one.cascade}.yaml' AS v USING (${queryOf(asked)})
         WITH (on_error = '${one.onError}', error_column = 'err', dedupe = ${one.dedupe}, cache = false)`,
        undefined,
        { valueForm: 'json' },
      );
      const right = expected(one, asked);
      const seen = rows.map(({ word, number, v, err }) => {
        const code = (err as { code: string } | null)?.code ?? null;
        return { word, number, v, code };
      });
      assert.equal(seen, right.rows);
      assert.equal(summary.rows, right.account);
      assert.is(summary.runs, right.runs);
      const { totals } = await sim.summary();
      assert.is(totals.calls, right.calls, 'calls by the ledger of the server');
      assert.is(summary.calls.sent, right.calls);
      assert.equal(summary.tokens, { in: totals.tokensIn, out: totals.tokensOut });
      assert.is(totals.inFlight, 0);
      const most = `${totals.maxInFlight} calls in flight under PARALLEL ${one.parallel}`;
      assert.ok(totals.maxInFlight <= one.parallel, most);
      done += 1;
      calls += right.calls;
    });
    await fc.assert(property, {
      seed,
      numRuns: wanted,
      endOnFailure: process.env['CI'] === 'true',
    });
  });
  reportCases(done, `statements with ${calls} model calls against the serial oracle`);
});

test.run();
