/** Every option, given outside of WITH and annotations: it takes effect in every kind of statement, or is refused by its name. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, RvbbitError } from '../../src/index.ts';
import { rvbbitHere } from '../cli/here.ts';
import {
  bareValue,
  CELL_KEYS,
  cascades,
  endModel,
  engineWith,
  KINDS,
  PROBES,
  type Subject,
  seen,
  startModel,
  withoutEffect,
} from './options-support.ts';

type Settings = Record<string, unknown>;
const KEYS = Object.keys(PROBES);
let settings: Awaited<ReturnType<typeof startModel>>;
let plain: Subject;
test.before(async () => {
  settings = await startModel();
  plain = await engineWith(settings as EngineOptions);
});
test.after(async () => {
  await plain.close();
  endModel();
});

/** The value of an option, as JSON has it. */
function jsonValue(key: string): unknown {
  const value = bareValue(key);
  return key === 'parallel' || /^(true|false|[\d.]+)$/.test(value) ? JSON.parse(value) : value;
}

function camel(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The message with which an engine, or a statement of it, is refused. Its settings are read by the first that needs them. */
async function refusalOf(options: Settings): Promise<string> {
  try {
    await using engine = await Engine.open(options as EngineOptions);
    await engine.explain("SELECT 'a' MEANS 'b'");
    return '';
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown.message;
    throw thrown;
  }
}

/** Lists where an option that an engine takes changes nothing. Those that are refused by their names are not tried. */
async function idleOf(
  keys: readonly string[],
  nameOf: (key: string) => string,
  optionsWith: (settings: Settings) => Settings,
): Promise<string[]> {
  const idle: string[] = [];
  const all = Object.fromEntries(keys.map((key) => [nameOf(key), jsonValue(key)]));
  const refused = await refusalOf(optionsWith(all));
  for (const key of keys) {
    const name = nameOf(key);
    if (new RegExp(`\\b${name}\\b`).test(refused)) continue;
    const options = optionsWith({ [name]: jsonValue(key) });
    if (new RegExp(`\\b${name}\\b`).test(await refusalOf(options))) continue;
    const subject = await engineWith(options as EngineOptions);
    for (const [kindName, kind] of Object.entries(KINDS)) {
      // The built-in operators say their temperature, which counts before what a provider adds.
      const way = kind.verb === undefined && key in CELL_KEYS ? { suffix: '-nothing' } : {};
      const none = await withoutEffect(subject, kind, [{ key, way }], plain);
      if (none.length > 0) idle.push(`${key}: ${kindName}`);
    }
    await subject.close();
  }
  return idle;
}

for (const [name, kind] of Object.entries(KINDS)) {
  const { verb } = kind;
  if (verb === undefined) continue;
  test(`${name}: a word behind the verb takes effect, or is refused by its name`, async () => {
    const given = KEYS.flatMap((key) => [
      { key, way: { modifier: `${key} ` } },
      { key, way: { modifier: `${key} ${PROBES[key]!.value} ` } },
    ]);
    assert.equal(await withoutEffect(plain, kind, given), []);
  });
}

test('an option of a call is refused by its name', async () => {
  await using engine = await Engine.open(settings as EngineOptions);
  for (const key of KEYS) {
    const [sql, options] = ['SELECT 1', { [camel(key)]: jsonValue(key) }] as const;
    const calls: Record<string, () => unknown> = {
      query: () => engine.query(sql, undefined, options),
      stream: () => engine.stream(sql, undefined, options)[Symbol.asyncIterator]().next(),
      script: () => engine.script(sql, undefined, options).next(),
      explain: () => engine.explain(sql, undefined, options),
      session: () => engine.session(options),
    };
    for (const [name, call] of Object.entries(calls)) {
      const thrown = await Promise.resolve()
        .then(call)
        .catch((error: unknown) => error);
      assert.ok(
        thrown instanceof RvbbitError && thrown.message.includes(camel(key)),
        `${name}, ${key}: ${String(thrown)}`,
      );
    }
  }
});

/** What a provider can add to the parameters of a call. */
const PARAMETERS = Object.keys(CELL_KEYS).filter((key) => key !== 'model' && key !== 'timeout');

test('an option of the engine, or of its providers, takes effect or is refused by its name', async () => {
  const { sim } = settings.providers;
  const ofProvider = (more: Settings) => ({ ...settings, providers: { sim: { ...sim, ...more } } });
  assert.equal(
    {
      engine: await idleOf(KEYS, camel, (more) => ({ ...settings, ...more })),
      limits: await idleOf(KEYS, camel, (limits) => ({ ...settings, limits })),
      provider: await idleOf(KEYS, camel, ofProvider),
      'its limits': await idleOf(KEYS, camel, (limits) => ofProvider({ limits })),
      'its parameters': await idleOf(PARAMETERS, String, (add) =>
        ofProvider({ parameters: { add } }),
      ),
    },
    { engine: [], limits: [], provider: [], 'its limits': [], 'its parameters': [] },
  );
});

const CONFIG = join(cascades, 'rvbbit.config.yaml');
/** The configuration file of `settings` with more at its top, in its provider, and in the places below that. */
function writeConfig(top: Settings, provider: Settings = {}): void {
  const { sim } = settings.providers;
  const { m: price } = sim.prices;
  const prices = { input_per_mtok: price.inputPerMtok, output_per_mtok: price.outputPerMtok };
  const entry = {
    type: 'openai-compatible',
    base_url: sim.baseUrl,
    response_format: sim.responseFormat,
    prices: { m: prices, other: prices },
    ...provider,
  };
  const config = { model: settings.model, providers: { sim: entry }, ...top };
  writeFileSync(CONFIG, JSON.stringify(config));
}

test('a setting of the configuration file takes effect, or is refused by its name', async () => {
  const file = (top: Settings, provider: Settings = {}) => {
    writeConfig(top, provider);
    return { cascades, threads: 1, configFile: CONFIG };
  };
  assert.equal(
    {
      top: await idleOf(KEYS, String, (more) => file(more)),
      provider: await idleOf(KEYS, String, (more) => file({}, more)),
      'its limits': await idleOf(KEYS, String, (limits) => file({}, { limits })),
      'its parameters': await idleOf(PARAMETERS, String, (add) =>
        file({}, { parameters: { add } }),
      ),
    },
    { top: [], provider: [], 'its limits': [], 'its parameters': [] },
  );
});

/** The command line, as what executes statements. */
function commandLine(flags: readonly string[]): Subject {
  const home = ['-q', '--threads', '1', '--cascades', cascades];
  return {
    seen: new Map(),
    async ask(sql, explained) {
      const args = explained
        ? ['explain', ...home, ...flags, '--format', 'json', '-c', sql]
        : [...home, '--no-state', ...flags, '-c', sql];
      const { code, stdout, stderr } = await rvbbitHere(args, { cwd: cascades });
      if (code === 0 || code === 5) return stdout;
      throw new RvbbitError('RVB_INTERNAL', stderr, { stage: 'open' });
    },
    left: async () => [],
    close: async () => {},
  };
}

test('a flag of the command line takes effect, or is refused by its name', async () => {
  writeConfig({});
  const wrong: string[] = [];
  for (const key of KEYS) {
    const flag = `--${key.replaceAll('_', '-')}`;
    for (const [name, kind] of Object.entries(KINDS)) {
      const { value: _, unforeseen: __, ...about } = PROBES[key]!;
      const given = await seen(commandLine([flag, bareValue(key)]), kind, {}, about);
      // Flags are read before the statement is, by one of two commands.
      if (given.error?.message.includes(flag) === true) {
        if (kind.explained === true) break;
        continue;
      }
      const base = await seen(commandLine([]), kind, {}, about);
      if (given.text === base.text) wrong.push(`${flag}: ${name}`);
    }
  }
  assert.equal(wrong, []);
});

test.run();
