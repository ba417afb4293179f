/** `rvbbit test --models`: models of known quality over labelled rows, told by their agreement, cost and time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startSimulator } from '../../src/testing.ts';
import { cases } from '../support/cases.ts';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const ROWS = cases(60, 200);
/** Of those the ones that an operator is tried on. */
const FEW = 30;
/** Rows on which each model is wrong: those whose number its step divides. */
const STEPS = { good: 50, fair: 10, bad: 3 };
const PRICES = { good: 10, fair: 1, bad: 0.1 };

const isOdd = (id: number) => id % 2 === 1;
const DATA = `note,d,expected\n${Array.from({ length: ROWS }, (_, id) => `n,item number ${id} of all,${isOdd(id)}`).join('\n')}\n`;
const CASCADE = `cascade_id: odd
inputs_schema: { d: string }
cells:
  - name: judge
    instructions: "Odd? {{ input.d }}"
    output_schema: { type: boolean }
test_cases:
  - { input: { d: item number 1 of all }, expect: true }
  - { input: { d: item number 2 of all }, expect: false }
`;

/** The right answer, but for the rows on which a model is wrong. */
function rules(answer: (value: boolean) => unknown) {
  const known = Object.entries(STEPS).flatMap(([model, step]) =>
    Array.from({ length: ROWS }, (_, id) => ({
      when: { model, contains: `item number ${id} of all` },
      answer: answer(isOdd(id) !== (id % step === 0)) as never,
    })),
  );
  return [...known, { status: 400 }];
}

async function within(
  answer: (value: boolean) => unknown,
  use: (run: (...args: string[]) => ReturnType<typeof rvbbitHere>) => Promise<void>,
): Promise<void> {
  await using simulator = await startSimulator({ rules: rules(answer) });
  const prices = Object.entries(PRICES).map(
    ([model, price]) => `${model}: { inputPerMtok: ${price}, outputPerMtok: ${price} }`,
  );
  const cwd = makeFolder({
    'odd.yaml': CASCADE,
    'labelled.csv': DATA,
    'means.csv': `${DATA.split('\n')
      .slice(0, FEW + 1)
      .join('\n')}\n`
      .replace('note,d,', 'criterion,text,')
      .replaceAll('\nn,', '\nodd,'),
    'rvbbit.config.yaml': `providers:\n  sim:\n    base_url: ${simulator.url}\n    prices: { ${prices.join(', ').replaceAll('inputPerMtok', 'input_per_mtok').replaceAll('outputPerMtok', 'output_per_mtok')} }\n`,
  });
  try {
    await use((...args) => rvbbitHere(['test', ...args, '--threads', '1', '-q'], { cwd }));
  } finally {
    removeFolder(cwd);
  }
}

const MODELS = ['--models', 'sim/good,sim/fair,sim/bad'];
const LABELLED = ['--data', 'labelled.csv'];

test('the agreement of three models of known quality is told as it is', () =>
  within(
    (value) => value,
    async (run) => {
      const { code, stdout, stderr } = await run('odd.yaml', ...MODELS, ...LABELLED, '--json');
      assert.is(code, 0, stderr);
      const { candidates, disagreements } = JSON.parse(stdout);
      const wrong = Object.values(STEPS).map((step) => Math.ceil(ROWS / step));
      assert.equal(
        candidates.map(({ candidate, agree, calls, failed }: Record<string, unknown>) => [
          candidate,
          agree,
          calls,
          failed,
        ]),
        Object.keys(STEPS).map((name, at) => [`sim/${name}`, ROWS - wrong[at]!, ROWS, 0]),
      );
      const [good, fair, bad] = candidates;
      assert.is(good.agreement, Number(((ROWS - wrong[0]!) / ROWS).toFixed(4)));
      assert.ok(good.cost_usd > 9 * fair.cost_usd && fair.cost_usd > 9 * bad.cost_usd);
      assert.ok(good.p50_ms <= good.p95_ms);
      const steps = Object.values(STEPS);
      const disputed = Array.from({ length: ROWS }, (_, id) => id).filter((id) =>
        steps.some((step) => id % step === 0),
      );
      assert.equal(
        disagreements.map(({ row }: { row: number }) => row - 1),
        disputed,
      );
      assert.equal(disagreements[1], {
        row: 4,
        input: { d: 'item number 3 of all' },
        expected: true,
        answers: {
          'sim/good': { value: true },
          'sim/fair': { value: true },
          'sim/bad': { value: false },
        },
      });

      // Answers of the journal cost nothing, and a bar decides the exit code.
      const again = await run('odd.yaml', ...MODELS, ...LABELLED, '--at-least', '90');
      assert.is(again.code, 1);
      assert.match(again.stdout, new RegExp(`sim/fair\\s*│\\s*${ROWS} │\\s*${ROWS - wrong[1]!}`));
      assert.match(again.stdout, /item number 3 of all/);
      assert.is(
        (await run('odd.yaml', '--models', 'sim/fair', ...LABELLED, '--at-least', '90')).code,
        0,
      );
    },
  ));

test('an operator, two files, and test cases are compared too; a row without an answer is told', () =>
  within(
    (value) => ({ answer: value }),
    async (run) => {
      const operator = await run('means', ...MODELS, '--data', 'means.csv', '--json');
      assert.is(operator.code, 0, operator.stderr);
      assert.equal(
        JSON.parse(operator.stdout).candidates.map(({ agree }: { agree: number }) => agree),
        Object.values(STEPS).map((step) => FEW - Math.ceil(FEW / step)),
      );
      const missing = await run('MEANS', ...MODELS, '--data', 'no-such.csv');
      assert.is(missing.code, 3);
      assert.match(missing.stderr, 'no-such.csv');
      // The cascade wants a truth value, and gets an object.
      const cases = await run('odd.yaml', '--models', 'sim/good', '--json');
      assert.is(cases.code, 5, cases.stderr);
      assert.is(JSON.parse(cases.stdout).candidates[0].failed, 2);
    },
  ));

test('what is missing or wrong is said before anything is asked', () =>
  within(
    (value) => value,
    async (run) => {
      for (const [args, message] of [
        [[...MODELS], 'needs a cascade'],
        [['odd.yaml', '--models', 'a,,b'], 'commas'],
        [['odd.yaml', ...MODELS, ...LABELLED, '--label', 'truth'], 'no column truth'],
        [['odd.yaml', ...MODELS, '--at-least', '101'], 'percentage'],
        [['NO_SUCH', ...MODELS], 'no operator'],
      ] as const) {
        const { code, stderr, stdout } = await run(...args);
        assert.equal([code, stdout], [2, ''], stderr);
        assert.match(stderr, message);
      }
    },
  ));

test('n = 1 and n = 16 rows a call are compared on the same rows', () =>
  within(
    (value) => value,
    async (run) => {
      const by = ['--models', 'sim/fair', '--batch', '1,16', '--json'];
      const { code, stdout, stderr } = await run('odd.yaml', ...LABELLED, ...by);
      assert.is(code, 0, stderr);
      const right = ROWS - Math.ceil(ROWS / STEPS.fair);
      assert.equal(
        JSON.parse(stdout).candidates.map((one: Record<string, unknown>) => [
          ...[one['candidate'], one['agree'], one['calls'], one['failed']],
        ]),
        [
          ['sim/fair, 1 a call', right, ROWS, 0],
          ['sim/fair, 16 a call', right, Math.ceil(ROWS / 16), 0],
        ],
      );
      assert.match((await run('odd.yaml', '--batch', '1,16')).stderr, '--data');
      assert.match((await run('odd.yaml', ...LABELLED, '--batch', '0')).stderr, '--batch takes');
    },
  ));

test('an operator is compared by the rows of a call too', () =>
  within(
    (value) => ({ answer: value }),
    async (run) => {
      const by = ['--models', 'sim/good', '--batch', '1,16', '--json'];
      const { stdout, stderr } = await run('MEANS', '--data', 'means.csv', ...by);
      assert.equal(
        JSON.parse(stdout).candidates.map(({ calls }: { calls: number }) => calls),
        [FEW, Math.ceil(FEW / 16)],
        stderr,
      );
    },
  ));

test.run();
