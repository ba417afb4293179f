/** Statements that a client describes, and runs with text and with binary results. */
import * as assert from 'uvu/assert';
import { binaryText } from '../../../src/server/sql/types/decode.ts';
import { pgTypeOfOid } from '../../../src/server/sql/types/pg-types.ts';
import {
  bind,
  describe,
  execute,
  type PgClient,
  type PgResult,
  parse,
  resultOf,
  sync,
} from '../../support/pg-client.ts';

/** A table with a row, with a column of each of some types. */
export const TABLE = `CREATE TABLE t AS SELECT 7::INTEGER AS i, 9007199254740993::BIGINT AS b, 1.25::DECIMAL(8,2) AS d, 0.5::DOUBLE AS x,
   'abc' AS s, DATE '2024-02-29' AS dt, TIMESTAMPTZ '2024-02-29 12:00:00+00' AS ts, 3::SMALLINT AS n`;

/** Describes a statement, and runs it with text and with binary results. */
export async function both(
  client: PgClient,
  sql: string,
  values: readonly (string | null)[],
  types: readonly number[] = [],
) {
  client.send(parse(sql, '', types), describe('S'), sync);
  const messages = await client.until('Z');
  const told = resultOf(messages);
  const { body } = messages.find(({ type }) => type === 't') ?? { body: Buffer.alloc(2) };
  const parameters = Array.from({ length: body.readUInt16BE(0) }, (_, index) =>
    body.readUInt32BE(2 + 4 * index),
  );
  const run = (format: number) =>
    client.run(
      bind(values, { formats: [format] }),
      ...(format === 0 ? [] : [describe('P')]),
      execute(),
      sync,
    );
  if (told.error !== undefined) await client.run(parse(sql, '', types), sync);
  const text = await run(0);
  const binary = await run(1);
  const oids = ({ columns }: PgResult) => columns.map(({ oid }) => oid);
  if (told.error === undefined && binary.error === undefined)
    assert.equal(oids(binary), oids(told), sql);
  return { told, parameters, text, binary };
}

/** The text of each value of a binary result. A value that is not in its column's format throws. */
export function texts({ rows }: PgResult, oids: readonly number[]): readonly (string | null)[] {
  return (rows[0] ?? []).map((value, column) => {
    const type = pgTypeOfOid(oids[column]!)!;
    const bytes = value === null ? null : Buffer.from(value);
    return bytes === null || type.isArray ? null : binaryText(bytes, type.name);
  });
}
