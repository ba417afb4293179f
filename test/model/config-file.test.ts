/** The configuration file of an engine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';

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

test.run();
