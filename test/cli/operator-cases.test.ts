/** `rvbbit test` over the built-in operators: with a model that knows the answers, with word overlap, and ejected. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { builtInRoot } from '../../src/operators/load-operators.ts';
import { readBuiltInFiles } from '../../src/operators/write-built-in.ts';
import { startSimulator } from '../../src/testing.ts';
import { answerOf, isAsked, textsOf } from '../operators/built-in-cases.ts';
import { rvbbitHere } from './here.ts';
import { makeFolder, removeFolder } from './spawn.ts';

const docs = readFileSync(
  fileURLToPath(new URL('../../../docs/operators.md', import.meta.url)),
  'utf8',
);

/** A rule for each case that a model is asked about: a prompt with all of its texts has its answer. */
async function rules() {
  const operators = await readBuiltInFiles();
  const cases = operators.flatMap(({ operator }) =>
    operator.cascade.testCases.map((testCase) => ({ operator, testCase })),
  );
  const asked = cases.filter(({ operator, testCase }) => isAsked(operator, testCase));
  // Of two cases with the same text the one with more besides comes first.
  asked.sort((a, b) => textsOf(b.testCase).length - textsOf(a.testCase).length);
  const known = asked.map(({ operator, testCase }) => {
    const texts = [purposeOf(operator.cascade.cells), ...textsOf(testCase)];
    const matches = texts.map((text) => `(?=[\\s\\S]*${literal(text)})`).join('');
    return { when: { matches: `^${matches}` }, answer: { answer: answerOf(testCase) as never } };
  });
  return { count: cases.length, asked: asked.length, rules: [...known, { status: 400 }] };
}

/** Two operators may be tried on the same texts: what they are told to do tells them apart. */
function purposeOf(cells: readonly { readonly kind: string }[]): string {
  const asking = cells.find(({ kind }) => kind === 'instructions');
  return String(Reflect.get(asking ?? {}, 'system') ?? '').slice(0, 40);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

const TESTS = ['test', '--cascades', builtInRoot(), '--threads', '1', '--no-state'];

/** Runs in a folder of its own: answers of an earlier run must not be at hand. */
async function within<T>(use: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = makeFolder({});
  try {
    return await use(cwd);
  } finally {
    removeFolder(cwd);
  }
}

test('every case passes against a server that knows the answers', async () => {
  const { count, asked, rules: known } = await rules();
  await using sim = await startSimulator({ rules: known });
  const env = { OPENAI_BASE_URL: `${sim.url}`, RVBBIT_MODEL: 'openai/sim' };
  const { code, stdout, stderr } = await within((cwd) => rvbbitHere(TESTS, { cwd, env }));
  assert.equal([code, stdout.match(/^not ok.*(?:\n {2}.*)*/gm)], [0, null], stderr);
  assert.ok(stdout.endsWith(`\n${count} passed, 0 failed\n`), stdout.slice(-200));
  assert.is(sim.ledger().totals.calls, asked);
});

test('with word overlap those pass that rules decide, and as many as the page says', async () => {
  const env = { RVBBIT_MODEL: 'lexical' };
  const { stdout } = await within((cwd) => rvbbitHere(TESTS, { cwd, env }));
  const [, passed = '', failed = ''] = /(\d+) passed, (\d+) failed\n$/.exec(stdout) ?? [];
  for (const { operator, file } of await readBuiltInFiles()) {
    for (const testCase of operator.cascade.testCases) {
      if (isAsked(operator, testCase)) continue;
      assert.ok(stdout.includes(`ok ${file}: ${testCase.name}\n`), `${file}: ${testCase.name}`);
      assert.not.ok(stdout.includes(`not ok ${file}: ${testCase.name}\n`), testCase.name);
    }
  }
  const says = `${passed} of the ${Number(passed) + Number(failed)} cases`;
  assert.ok(docs.includes(says), `the page should say: ${says}`);
});

test('an operator that was copied is tested by its file', async () => {
  await within(async (cwd) => {
    await rvbbitHere(['ops', 'eject', 'SOUNDS_LIKE'], { cwd });
    const { code, stdout } = await rvbbitHere(['test', 'operators/sounds_like.yaml'], { cwd });
    assert.is(code, 0);
    assert.match(stdout, /^ok operators\/sounds_like\.yaml: [\s\S]*\n\d+ passed, 0 failed\n$/);
  });
});

test.run();
