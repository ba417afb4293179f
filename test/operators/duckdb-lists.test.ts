/** What the operators know of DuckDB's words and types, against DuckDB itself. */
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import {
  LOOSE_KEYWORDS,
  RESERVED_KEYWORDS,
  STRICT_KEYWORDS,
} from '../../src/operators/duckdb-keywords.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { readColumnType, TYPE_NAMES } from '../../src/values/column-type.ts';

test('the keywords are those of DuckDB', async () => {
  await using engine = await Engine.open();
  const { rows } = await engine.query(
    'SELECT upper(keyword_name) AS word, keyword_category AS kind FROM duckdb_keywords()',
  );
  const words = (isIn: (kind: unknown) => boolean) =>
    rows.filter(({ kind }) => isIn(kind)).map(({ word }) => word);
  const sorted = (set: ReadonlySet<string>) => [...set].sort();
  assert.equal(sorted(STRICT_KEYWORDS), words((kind) => kind !== 'unreserved').sort());
  assert.equal(sorted(LOOSE_KEYWORDS), words((kind) => kind === 'unreserved').sort());
  assert.equal(sorted(RESERVED_KEYWORDS), words((kind) => kind === 'reserved').sort());
});

test('a type is called as DuckDB calls it, under every one of its names', async () => {
  await using engine = await Engine.open();
  const names = TYPE_NAMES.filter((name) => !name.startsWith('DECIMAL'));
  const written = [...names, 'DECIMAL(10,2)', 'NUMERIC', 'dec(5)', 'VARCHAR[]', 'INT[][]'];
  const { rows } = await engine.query(
    "SELECT type_name AS name FROM duckdb_types() WHERE type_category <> 'COMPOSITE'",
  );
  const known = rows.map(({ name }) => String(name)).filter((name) => readColumnType(name));
  assert.ok(known.length > 50, `${known.length} names`);
  for (const name of new Set([...written, ...known])) {
    const of = await engine
      .query(`SELECT typeof(CAST(NULL AS ${name})) AS type`)
      .catch(() => undefined);
    // Some names of the catalogue cannot be written in a cast.
    if (of !== undefined) assert.is(readColumnType(name)?.name, of.rows[0]!['type'], name);
    else assert.not.ok(written.includes(name), name);
  }
  for (const name of ['BLOB', 'MAP(INT, INT)', 'INTERVAL', 'NULL', 'ENUM', 'VARCHAR[3]', 'x', '']) {
    assert.is(readColumnType(name), undefined, name);
  }
});

test('DuckDB parses none of the built-in operators, infix or called', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const duckdb = await instance.connect();
  const { operators } = await loadOperators('/');
  for (const { name, patterns } of operators.values()) {
    for (const { words } of patterns) {
      const sql = `SELECT 'a' ${words.join(' ')} 'b' AS x`;
      await duckdb.run(sql).then(
        () => assert.unreachable(`${name}: DuckDB takes ${sql}`),
        () => undefined,
      );
    }
  }
  const functions = await duckdb.runAndReadAll(
    'SELECT DISTINCT upper(function_name) FROM duckdb_functions()',
  );
  const taken = new Set(functions.getRows().map(([name]) => String(name)));
  for (const name of operators.keys())
    assert.not.ok(taken.has(name), `DuckDB has a function ${name}`);
  duckdb.closeSync();
  instance.closeSync();
});

test.run();
