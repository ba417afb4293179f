/** Rows have the type that the caller names. The compiler tests it: a wrong type of these lines does not build. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult, type Row, type RowStream } from '../../src/index.ts';

interface Product {
  readonly id: number;
  readonly brand: string;
}

const SQL = "SELECT 1 AS id, 'Sony' AS brand";

test('query and stream give rows of the named type, of an engine and of a session', async () => {
  const engine = await Engine.open({ threads: 1 });
  const session = await engine.session();
  try {
    for (const { query, stream } of [engine, session].map((one) => ({
      query: () => one.query<Product>(SQL),
      stream: () => one.stream<Product>(SQL),
    }))) {
      const { rows } = await query();
      const ids: readonly number[] = rows.map(({ id }) => id);
      // @ts-expect-error: a brand is a string.
      const brands: readonly number[] = rows.map(({ brand }) => brand);
      // @ts-expect-error: a product has no price.
      assert.is(rows[0]?.price, undefined);
      assert.equal([...ids, ...brands], [1, 'Sony']);
      const streamed: RowStream<Product> = stream();
      for await (const { id, brand } of streamed)
        assert.is(`${id.toFixed()} ${brand.trim()}`, '1 Sony');
    }
  } finally {
    await engine.close();
  }
});

test('without a type rows are as they were: names to unknown values', async () => {
  const engine = await Engine.open({ threads: 1 });
  try {
    const result: QueryResult = await engine.query(SQL);
    const row: Row | undefined = result.rows[0];
    // @ts-expect-error: a value that nobody has named a type of.
    const id: number | undefined = row?.['id'];
    assert.is(id, 1);
    // @ts-expect-error: a row is an object.
    await engine.query<string>(SQL);
  } finally {
    await engine.close();
  }
});

test.run();
