/** A misspelt or incomplete operator: DuckDB's own error, and what may have been meant. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { errorOf } from '../model/engine-support.ts';

const REFUSED: Readonly<Record<string, RegExp>> = {
  "SELECT id FROM p WHERE d MEAN 'x'": /near "MEAN"\nDid you mean MEANS\?$/,
  "SELECT d\n  MEANNS 'x' FROM p": /near "'x'"\nDid you mean MEANS\?$/,
  'SELECT id FROM p WHERE d MEANS': /MEANS stands between two operands: a MEANS 'x'$/,
  "SELECT id FROM p WHERE d TRANSLATED 'x'": /TRANSLATED TO stands between two operands/,
  'SELECT sentment(d) FROM p': /Did you mean the operator SENTIMENT\?$/,
  "SELECT means('x', d) FROM p":
    /MEANS is an operator: write text MEANS criterion, or semantic_means\(text, criterion\)$/m,
  "SELECT translated_to(d, 'x') FROM p":
    /write text TRANSLATED TO language, or semantic_translated_to\(text, language\)$/m,
  "FROM semantic_batch_matches('x', p, 5)":
    /gives a value and no table: semantic_batch_matches\(criterion VARCHAR, rows JSON/,
  'SELECT SUMMARIZE(d) FROM p': /SUMMARIZE is an operator of shape AGGREGATE/,
  'SELEC 1': /near "SELEC"\nDid you mean SELECT\?$/,
  'SELECT a FORM b': /Did you mean FROM\?$/,
  'SELECT * FROM p GROUP BY a ORDRE BY b': /Did you mean ORDER\?$/,
  "SELECT * FROM RVBBIT MAP 'x' USING (FROM p)": /in brackets: FROM \(RVBBIT MAP 'cascade' USING/,
  "COPY RVBBIT RUN 'x' USING (FROM p) TO 'x.csv'": /in brackets: FROM \(RVBBIT RUN 'cascade' USING/,
};

const UNHINTED = [
  'SELECT 1 +',
  'SELECT id AS 5 FROM p',
  "SELECT id FROM p ORDER BY id ASC 'x'",
  'qqq 1',
];

test('what was probably meant stands beside the error of DuckDB, and nothing that cannot stand there', async () => {
  await using engine = await Engine.open({});
  await engine.query("CREATE TABLE p AS SELECT 1 AS id, 'x' AS d");
  for (const [sql, message] of Object.entries(REFUSED)) {
    const error = await errorOf(engine.query(sql));
    assert.match(error.message, message);
  }
  for (const sql of UNHINTED) {
    const { code, message } = await errorOf(engine.query(sql));
    assert.is(code, 'RVB_SQL');
    assert.not.match(message, /operand|Did you mean/);
  }
});

test.run();
