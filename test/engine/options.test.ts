import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type QueryOptions } from '../../src/index.ts';
import { checkCascade } from '../../src/testing.ts';
import { rejection } from '../duck/support.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/cascades', import.meta.url));
const engine = await Engine.open({ cascades, threads: 1 });
test.after(() => engine.close());

const all = async (items: AsyncIterable<unknown>): Promise<unknown> => {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
};

/** Every call that takes options, by its name. */
const CALLS: readonly (readonly [string, (options: never) => Promise<unknown>])[] = [
  ['query', (options) => engine.query('SELECT 1', [], options)],
  ['script', (options) => all(engine.script('SELECT 1', [], options))],
  ['stream', (options) => all(engine.stream('SELECT 1', [], options))],
  [
    'explain',
    (options) => engine.explain("RVBBIT MAP 'constant.yaml' USING (FROM range(1))", [], options),
  ],
  ['runCascade', (options) => engine.runCascade('constant.yaml', {}, options)],
  ['checkCascade', (options) => all(checkCascade(engine, 'constant.yaml', options))],
];

const open = async (options: unknown): Promise<void> => {
  await (await Engine.open(options as EngineOptions)).close();
};

test('an option that is not there is an error in every call, with the nearest spelling', async () => {
  for (const [name, call] of CALLS) {
    const error = await rejection(call({ sginal: new AbortController().signal } as never));
    assert.is(error.code, 'RVB_UNKNOWN_OPTION', name);
    assert.match(error.message, `${name} has no option sginal; did you mean signal?`);
    const far = await rejection(call({ whatever: undefined } as never));
    assert.match(
      far.message,
      new RegExp(`^${name} has no option whatever; it has (\\w+, )*signal`),
    );
    await call({ signal: undefined } as never);
  }
});

test('an option of the wrong type is an error in every call', async () => {
  for (const [name, call] of CALLS) {
    for (const wrong of [{ signal: 5 }, { signal: null }, { signal: {} }, 'signal', null, []]) {
      const error = await rejection(call(wrong as never));
      assert.is(error.code, 'RVB_OPTION_TYPE', `${name} ${JSON.stringify(wrong)}`);
      assert.match(error.message, name);
    }
  }
  const wrong: readonly QueryOptions[] = [
    { drain: true },
    { valueForm: 'text' },
    { origin: 1 },
    { resumes: [] },
    { resumeParallel: 0 },
    { resumeParallel: 5n },
  ] as never;
  for (const options of wrong) {
    const error = await rejection(engine.query('SELECT 1', [], options));
    assert.is(error.code, 'RVB_OPTION_TYPE');
    assert.match(error.message, `query: ${Object.keys(options)[0]} takes`);
  }
});

test('Engine.open refuses options that are not there or of the wrong type, nested ones too', async () => {
  for (const [options, message] of [
    [{ cascade: '.' }, 'Engine.open has no option cascade; did you mean cascades?'],
    [{ limits: { rssMB: 1 } }, 'Engine.open: limits has no option rssMB; did you mean rssMb?'],
    [
      { journal: { prompt: true } },
      'unknown key prompt in Engine.open: journal; did you mean prompts?',
    ],
  ] as const) {
    const error = await rejection(open(options));
    assert.is(error.code, 'RVB_UNKNOWN_OPTION');
    assert.is(error.message, message);
  }
  for (const options of [
    { database: 5 },
    { database: {} },
    { cascades: '' },
    { cascades: 5 },
    { stateDir: true },
    { journal: 5 },
    { journal: { prompts: 'yes' } },
    { providers: [] },
    { model: 5 },
    { configFile: 5 },
    { env: 'process.env' },
    { parallel: 'ten' },
    { parallel: 1.5 },
    { threads: 0 },
    { limits: 5 },
    { limits: { rssMb: '1' } },
    { logger: console.log },
    { logger: {} },
    { signal: 5 },
  ]) {
    const error = await rejection(open(options));
    assert.is(error.code, 'RVB_OPTION_TYPE', JSON.stringify(options));
    assert.match(error.message, `Engine.open: ${Object.keys(options)[0]}`);
  }
  for (const options of [5, null]) {
    const error = await rejection(open(options));
    assert.equal([error.code, error.message.slice(0, 11)], ['RVB_OPTION_TYPE', 'Engine.open']);
  }
  const secret = await rejection(open({ providers: 'sk-secret' }));
  assert.not.match(secret.message, 'sk-secret');
});

test('a cascade root that is not there is told when the engine is opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-root-'));
  const before = process.cwd();
  try {
    writeFileSync(join(folder, 'a.yaml'), '');
    for (const root of [
      join(folder, 'nope'),
      join(folder, 'a.yaml'),
      join(folder, 'a.yaml', 'b'),
    ]) {
      const error = await rejection(open({ cascades: root }));
      assert.equal([error.code, error.stage], ['RVB_CASCADE_NOT_FOUND', 'open']);
      assert.match(error.message, `there is no folder ${root}, the cascade root: make it, or`);
    }
    process.chdir(folder);
    assert.match((await rejection(open({ cascades: 'nope' }))).message, join(folder, 'nope'));
    mkdirSync('nope');
    await open({ cascades: 'nope' });
    await open({});
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

test('options in the place of the parameters are refused, not passed over', async () => {
  await using engine = await Engine.open();
  const signal = AbortSignal.timeout(60_000);
  const code = ({ code }: { readonly code: string }) => code;
  assert.is(await engine.query('SELECT 1', { signal }).catch(code), 'RVB_OPTION_TYPE');
  assert.is((await engine.query('SELECT $signal AS s', { signal: 'go' })).rows[0]!['s'], 'go');
});

test.run();
