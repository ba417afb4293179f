/** What docs/semantic.md shows is run: a statement with a code behind it fails with that code, any other succeeds. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { splitStatements } from '../../grammar/split.ts';
import { RvbbitError } from '../../src/index.ts';
import { openSemantic } from './support.ts';

const page = readFileSync(
  fileURLToPath(new URL('../../../docs/semantic.md', import.meta.url)),
  'utf8',
);

test('every example does what the page says', async () => {
  await using engine = await openSemantic();
  await engine.query(
    `CREATE TABLE products AS FROM (VALUES
      ('oak chair', 'a wooden chair, eco-friendly', 40, 'seats', '{"material": "oak"}'::JSON),
      ('pine chair', 'a wooden chair', 30, 'seats', '{"material": "pine"}'::JSON),
      ('lamp', NULL, 8, 'lights', NULL)) AS t(name, description, price, category, details)`,
  );
  let count = 0;
  for (const [, block = ''] of page.matchAll(/^```sql\n([\s\S]*?)^```/gm)) {
    for (const { text, span } of splitStatements(block)) {
      const expected = /^;[ \t]*-- (RVB_\w+)/.exec(block.slice(span.end))?.[1];
      const source = text.replace(/^-- RVB_\w+\n/, '');
      count += 1;
      const code = await engine.query(source).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof RvbbitError ? thrown.code : String(thrown)),
      );
      assert.is(code, expected, source);
    }
  }
  assert.ok(count >= 20, `${count} statements`);
});

test.run();
