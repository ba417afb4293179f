/** NULLs written into vectors. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNodeApi } from '../../src/duck/node-api.ts';
import { setNull } from '../../src/duck/set-null.ts';
import { bytesOf, numbersOf } from '../../src/duck/vector-access.ts';

test('leaves nothing of the value that stood where a NULL is written', async () => {
  const { BIGINT, BOOLEAN, DOUBLE, DuckDBDataChunk, INTEGER, UTINYINT } = await loadNodeApi();
  for (const [type, value] of [
    [BOOLEAN, true],
    [UTINYINT, 255],
    [INTEGER, -1],
    [BIGINT, -1n],
    [DOUBLE, 0.5],
  ] as const) {
    const chunk = DuckDBDataChunk.create([type], 3);
    chunk.setColumnValues(0, [value, value, value]);
    const vector = chunk.getColumnVector(0);
    setNull(vector, 1);
    vector.flush();
    chunk.rowCount = 3;
    const written = chunk.getColumnVector(0);
    assert.equal(written.toArray(), [value, null, value]);
    const below =
      type === BOOLEAN
        ? bytesOf(written).getUint8(1)
        : Number(numbersOf<ArrayLike<number>>(written)[1]);
    assert.is(below, 0, `${type} holds ${below} below a NULL`);
  }
});

test('writes NULL texts', async () => {
  const { DuckDBDataChunk, VARCHAR } = await loadNodeApi();
  const chunk = DuckDBDataChunk.create([VARCHAR], 2);
  chunk.setColumnValues(0, ['a', 'b']);
  const vector = chunk.getColumnVector(0);
  setNull(vector, 0);
  vector.flush();
  chunk.rowCount = 2;
  assert.equal(chunk.getColumnVector(0).toArray(), [null, 'b']);
});

test.run();
