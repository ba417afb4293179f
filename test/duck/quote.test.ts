import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quoteIdentifier, quoteLiteral } from '../../src/duck/quote.ts';
import { memorySession, rowsOf } from './support.ts';

test('quoted names and texts come back from DuckDB as they were', async () => {
  await using session = await memorySession();
  for (const text of ['a', "it's", 'a"b', '\\', '$1', '-- x', '/*', 'é\n😀', ';']) {
    assert.equal(
      await rowsOf(session, `SELECT ${quoteLiteral(text)} AS ${quoteIdentifier(text)}`),
      [{ [text]: text }],
    );
  }
});

test('a NUL is refused', () => {
  assert.throws(() => quoteIdentifier('a\0'), /NUL/);
  assert.throws(() => quoteLiteral('\0'), /NUL/);
});

test.run();
