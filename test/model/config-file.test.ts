/** The configuration file of an engine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type RvbbitError } from '../../src/index.ts';
import { readConfig } from '../../src/model/read-settings.ts';

const CASCADE = `cascade_id: ask
cells:
  - name: ask
    instructions: "Is it about dogs? Answer yes or no.\\n\\n<text>{{ input.text }}</text>"
    output_schema: { type: boolean }
`;

test('it is read once, and journal and models are of one reading', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rvb-config-'));
  const configFile = join(folder, 'rvbbit.config.yaml');
  writeFileSync(configFile, 'model: lexical\njournal: { answers: false }\n');
  writeFileSync(join(folder, 'ask.yaml'), CASCADE);
  writeFileSync(
    join(folder, 'one.yaml'),
    'cascade_id: one\ncells: [{ name: one, tool: js, inputs: { code: "return 1" } }]\n',
  );
  try {
    const options = { cascades: folder, stateDir: join(folder, 'state'), configFile, threads: 1 };
    await using engine = await Engine.open(options);
    await engine.query("RVBBIT MAP 'one.yaml' AS v USING (SELECT 1 AS a)");
    writeFileSync(configFile, 'model: [');
    const { rows } = await engine.query(
      "RVBBIT MAP 'ask.yaml' AS v USING (SELECT 'Two dogs bark.' AS text)",
    );
    assert.is(rows.length, 1);
    assert.type(rows[0]!['v'], 'string');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('all that is wrong in it is said at once, each with its line and column', () => {
  const text = `modle: lexical
model: 5
providers:
  work:
    base_url: http://127.0.0.1:1/v1
    limits: { rps: 5, window: soon }
  tape: { type: replay, file: a, base_url: http://127.0.0.1:1/v1 }
journal:
  max_bytes: 0
`;
  const failure = (yaml: string): RvbbitError | undefined => {
    try {
      readConfig(Buffer.from(yaml), 'rvbbit.config.yaml');
      return undefined;
    } catch (thrown) {
      return thrown as RvbbitError;
    }
  };
  const wrong = failure(text);
  assert.is(wrong?.code, 'RVB_OPTION_TYPE');
  assert.equal(wrong?.place, { file: 'rvbbit.config.yaml', line: 1, column: 1 });
  assert.equal(wrong?.message.split('\n'), [
    'the configuration has 6 problems:',
    'rvbbit.config.yaml:1:1 unknown key modle; did you mean model?',
    'rvbbit.config.yaml:2:8 model: expected string, received number',
    'rvbbit.config.yaml:6:15 unknown key rps in providers.work.limits; did you mean rpm?',
    'rvbbit.config.yaml:6:31 providers.work.limits.window: expected a duration up to an hour, such as 1s',
    'rvbbit.config.yaml:7:34 unknown key base_url in providers.tape; it has type, file, mode, from',
    'rvbbit.config.yaml:9:14 journal.max_bytes: expected a whole number from 1 to 9007199254740991',
  ]);
  const misspelt = failure('providers:\n  p: { bas_url: http://h }\n');
  assert.is(misspelt?.code, 'RVB_UNKNOWN_OPTION');
  assert.equal(misspelt?.place, { file: 'rvbbit.config.yaml', line: 2, column: 8 });
  const torn = failure('model: [\n');
  assert.is(torn?.code, 'RVB_OPTION_TYPE');
  assert.match(torn?.message ?? '', /\nrvbbit\.config\.yaml:2:1 /);
});

test('journal options of the API are held to the same bounds, by their own spelling', async () => {
  for (const [journal, code, message] of [
    [
      { maxage: '1d' },
      'RVB_UNKNOWN_OPTION',
      'unknown key maxage in Engine.open: journal; did you mean maxAge?',
    ],
    [
      { maxAge: 'soon' },
      'RVB_OPTION_TYPE',
      'Engine.open: journal.maxAge: expected a duration such as 30d',
    ],
    [
      { segmentMaxBytes: 2 ** 40 },
      'RVB_OPTION_TYPE',
      'Engine.open: journal.segmentMaxBytes: expected a whole number from 1 to 33554432',
    ],
  ] as const) {
    const error = await Engine.open({ journal } as EngineOptions).catch((thrown) => thrown);
    assert.equal([error.code, error.message], [code, message]);
  }
});

test.run();
