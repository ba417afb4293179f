/** Many rows over few answers: looked up inside DuckDB. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import type { Engine } from '../../src/index.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { AnswerBook } from '../../src/semantic/ask/answer-book.ts';
import { type LookUpState, registerLookUps } from '../../src/semantic/look-up/look-up.ts';
import { takeSymbol } from '../../src/semantic/read/symbols.ts';
import { type OperatorUse, typesOf } from '../../src/semantic/read/use.ts';
import { bigTable, compareLookUp, compareLookUps, compareNested, useCodes } from './look-ups.ts';
import { openSemantic, root, valuesOf } from './support.ts';

/** More rows than are looked up in JavaScript. */
const ROWS = 21_000;

let engine: Engine;
test.before(async () => {
  engine = await openSemantic();
});
test.after(() => engine.close());

test('finds what the join with the same answers finds, without a row through JavaScript', async () => {
  await compareLookUp({ rows: ROWS, texts: 1_000, rounds: 1 });
  await compareLookUps({ rows: ROWS, texts: 1_000, rounds: 1 });
});

test('no criterion becomes SQL, whatever a row says', async () => {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  const criteria = ["x' THEN true WHEN true OR '' = '", 'x"; DROP TABLE asked; --', 'a\0b', ''];
  for (const [index, criterion] of criteria.entries()) {
    for (let row = 0; row < 10; row++) book.answer([`text ${row}`, criterion], row % 4 === index);
  }
  const names = takeSymbol(typesOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  await session.run("CREATE TABLE asked AS SELECT 'text ' || i AS d FROM range(10) r(i)");
  await useCodes(session, use, state);
  for (const [index, criterion] of criteria.entries()) {
    const found = await session.runBound(
      `SELECT d FROM asked WHERE d ${names.infix} $1 ORDER BY d`,
      [criterion],
    );
    const rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((row) => row % 4 === index);
    assert.equal(
      (await found.allColumns('json'))[0],
      rows.map((row) => `text ${row}`),
    );
  }
  const macros = await session.run(
    `SELECT macro_definition FROM duckdb_functions() WHERE macro_definition LIKE '%${names.miss}%'`,
  );
  const [definitions = []] = await macros.allColumns('json');
  assert.is(definitions.length, 2);
  for (const definition of definitions) assert.not.match(String(definition), /DROP|THEN true/);
  await state.codes!.remove();
  const left = await session.run('SELECT type_name FROM duckdb_types() WHERE NOT internal');
  assert.is(left.rowCount, 0);
  assert.is(state.rows, 0);
  names.release();
  await session.close();
  await lease.release();
});

test('gives the same rows whether answers are looked up in DuckDB or in JavaScript', async () => {
  await engine.query(bigTable(ROWS, 200));
  for (const [semantic, plain] of [
    ["SELECT c, count(*) FROM big WHERE d MEANS '7' GROUP BY c", "m_means(d, '7')"],
    ["SELECT count(*) FROM big WHERE c < 5 AND d MEANS '7' AND d NOT MEANS '1'", ''],
    ["SELECT count(*), max(d EXTRACTS 'q') FROM big WHERE d MEANS '7'", ''],
    ["SELECT min(id), count(*) FROM big WHERE d MEANS '7' AND d MEANS '1' AND d MEANS '3'", ''],
    [
      "SELECT count(*) FROM big x JOIN (SELECT 3 AS c) y ON x.c = y.c WHERE x.d MEANS '7' AND x.d MEANS '1'",
      '',
    ],
    [
      "SELECT len(list_filter([d], lambda x: x MEANS '7')), count(*) FROM big WHERE d MEANS '3' GROUP BY 1",
      '',
    ],
    ["SELECT count(*) FROM big WHERE NOT (d MEANS '7' OR c = 1) AND d ABOUT 'x'", ''],
    ["SELECT count(*) FROM big WHERE CASE WHEN c < 3 THEN d MEANS '7' ELSE d MEANS '1' END", ''],
    [
      "SELECT d MEANS '7' AS x, big.d MEANS '1' AS y, count(*) FROM big GROUP BY ALL HAVING count(*) > 1",
      '',
    ],
    ["SELECT * FROM big WHERE d MEANS '77' OR d MEANS '11'", ''],
    ["SELECT b.*, d MEANS '7' FROM big b WHERE d MEANS '77' OR b.d MEANS '11'", ''],
    ["SELECT to_json(b), d MEANS '7' FROM big b WHERE d MEANS '77' OR d MEANS '11'", ''],
    ["SELECT rowid, d MEANS '7' FROM big WHERE d MEANS '77' OR d MEANS '11'", ''],
    [
      "SELECT count(*) FROM (SELECT c, upper(d) AS d FROM big WHERE d MEANS '7' OR d MEANS '1') WHERE d MEANS '3' OR d MEANS '5'",
      '',
    ],
    [
      "SELECT d || '1' AS d, id FROM big WHERE d MEANS '77' OR d MEANS '11' ORDER BY d MEANS '1', d MEANS '7', id LIMIT 9",
      '',
    ],
    [
      "SELECT CASE WHEN d MEANS '7' THEN d EXTRACTS 'q' WHEN d MEANS '1' THEN d EXTRACTS 'zz' END AS e, count(*) FROM big GROUP BY 1",
      '',
    ],
    [
      "SELECT sum(CASE WHEN d ABOUT 'x' > 0.3 THEN d ABOUT 'yy' ELSE 0 END) FILTER (WHERE d NOT MEANS '7') FROM big",
      '',
    ],
  ] as const) {
    const other = semantic
      .replaceAll(/(\bd|\bx) NOT MEANS ('\d')/g, 'NOT m_means($1, $2)')
      .replaceAll(/((?:\b\w+\.)?\bd|\bx) MEANS ('\d+')/g, 'm_means($1, $2)')
      .replaceAll(/d EXTRACTS ('\w+')/g, 'm_extracts(d, $1)')
      .replaceAll(/d ABOUT ('\w+')( > 0.3| ELSE)/g, 'm_about(d, $1)$2')
      .replaceAll("d ABOUT 'x'", "m_about(d, 'x') >= 0.5");
    assert.ok(plain === '' || other.includes(plain));
    assert.equal(
      valuesOf(await engine.query(semantic)).sort(),
      valuesOf(await engine.query(other)).sort(),
      semantic,
    );
  }
});

test('looks operators up that stand deep within one another', async () => {
  await compareNested(engine, { rows: ROWS, depth: 5 });
});

test('tells texts apart that a collation holds for equal', async () => {
  await engine.query('CREATE TABLE folded (a VARCHAR COLLATE NOCASE)');
  await engine.query(
    `INSERT INTO folded SELECT CASE WHEN i % 2 = 0 THEN 'abc' ELSE 'ABC' END FROM range(${ROWS}) r(i)`,
  );
  const { rows } = await engine.query("SELECT count(*) AS n FROM folded WHERE a MEANS 'b'");
  assert.equal(rows, [{ n: BigInt(ROWS / 2) }]);
});

test.run();
