/** Many rows over few answers: looked up inside DuckDB, beside the same join in plain DuckDB. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSql, type SqlNode } from '../../src/duck/parse-sql.ts';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { StatementSignal } from '../../src/execute/cancel.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { AnswerBook } from '../../src/semantic/answer-book.ts';
import { type LookUpState, registerLookUps } from '../../src/semantic/look-up.ts';
import { NativeLookUps } from '../../src/semantic/native-look-up.ts';
import { plannedQuery } from '../../src/semantic/planned-query.ts';
import { planSelect } from '../../src/semantic/query-plan.ts';
import { takeSymbol } from '../../src/semantic/symbols.ts';
import { type OperatorUse, signatureOf } from '../../src/semantic/use.ts';
import { deep } from '../support/cases.ts';
import { openSemantic, root, valuesOf } from './support.ts';

const BIG = (rows: number) =>
  `CREATE TABLE big AS SELECT i AS id, 'description of product ' || (hash(i) % 10000) AS d, i % 7 AS c FROM range(${rows}) r(i)`;

test('takes no more than six times the join that finds the same answers', async () => {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  await session.run(BIG(1_000_000));
  await session.run(
    "CREATE TABLE answers AS SELECT DISTINCT d AS k0, '7' AS k1, contains(d, '7') AS v FROM big",
  );
  const [texts = [], , found = []] = await (await session.run('FROM answers')).allColumns('json');
  for (const [index, text] of texts.entries())
    book.answer([String(text), '7'], found[index] === true);
  assert.is(book.size, 10_000);
  const names = takeSymbol(signatureOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  const native = new NativeLookUps(session, [use]);
  const [semantic, plain]: number[][] = [[], []];
  for (let round = 0; round < (deep ? 15 : 9); round++) {
    const counts: unknown[] = [];
    let started = performance.now();
    await native.install();
    const looked = await session.run(`SELECT count(*) FROM big WHERE d ${names.infix} '7'`);
    await native.remove();
    semantic!.push(performance.now() - started);
    started = performance.now();
    const joined = await session.run(
      "SELECT count(*) FROM big JOIN answers ON k0 = d AND k1 = '7' WHERE v",
    );
    plain!.push(performance.now() - started);
    for (const reader of [looked, joined]) counts.push((await reader.allColumns('json'))[0]?.[0]);
    assert.is(counts[0], counts[1]);
  }
  assert.is(book.missing, 0);
  assert.is(state.rows, 0);
  const [lookUpMs, joinMs] = [median(semantic!), median(plain!)];
  const ratio = lookUpMs / joinMs;
  console.log(
    `look-up ${lookUpMs.toFixed(0)} ms, join ${joinMs.toFixed(0)} ms, ratio ${ratio.toFixed(1)}`,
  );
  assert.ok(ratio <= 6, `the look-up takes ${ratio.toFixed(1)} times the join`);
  names.release();
  await session.close();
  await lease.release();
});

test('takes no more for several conditions', async () => {
  const lease = await acquireDatabase(':memory:');
  const session = await Session.open(lease);
  const operator = (await loadOperators(root)).operators.get('MEANS')!;
  const book = new AnswerBook(operator);
  await session.run(BIG(1_000_000));
  await session.run(
    "CREATE TABLE answers AS SELECT d AS k0, k1, contains(d, k1) AS v FROM (SELECT DISTINCT d FROM big), (SELECT unnest(['7', '1', '3']) AS k1)",
  );
  const [texts = [], criteria = [], found = []] = await (
    await session.run('FROM answers')
  ).allColumns('json');
  for (const [index, text] of texts.entries())
    book.answer([String(text), String(criteria[index])], found[index] === true);
  const names = takeSymbol(signatureOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  const scope = { session, parameters: undefined, stop: new StatementSignal([]) };
  for (const shared of [['7'], ['7', '1'], ['7', '1', '3']]) {
    const native = new NativeLookUps(session, [use]);
    const where = shared.map((text) => `d ${names.infix} '${text}'`).join(' AND ');
    const parsed = await parseSql(session, `SELECT count(*) FROM big WHERE ${where}`);
    const node = parsed.kind === 'tree' ? (parsed.statements[0]!['node'] as SqlNode) : {};
    const plan = planSelect({ uses: [use] }, { node, parameters: [] }, new Set());
    const options = { names: ['n'], order: plan.semantic, inWhere: (one: OperatorUse) => one };
    const { text, joined = text } = await plannedQuery(scope, plan, { ...options, native });
    const joins = shared.map(
      (key, at) => `JOIN answers a${at} ON a${at}.k0 = d AND a${at}.k1 = '${key}'`,
    );
    const holds = shared.map((_, at) => `a${at}.v`).join(' AND ');
    const plain = `SELECT count(*) FROM big ${joins.join(' ')} WHERE ${holds}`;
    const [semanticMs, plainMs]: number[][] = [[], []];
    for (let round = 0; round < (deep ? 15 : 7); round++) {
      let started = performance.now();
      await native.install();
      assert.ok(native.isAsWanted);
      const looked = await session.run(joined);
      await native.remove();
      semanticMs!.push(performance.now() - started);
      started = performance.now();
      const same = await session.run(plain);
      plainMs!.push(performance.now() - started);
      const [rows, others] = [await looked.allColumns('json'), await same.allColumns('json')];
      assert.equal(rows, others);
    }
    assert.is(book.missing, 0);
    assert.is(state.rows, 0);
    const ratio = median(semanticMs!) / median(plainMs!);
    console.log(`${shared.length} criteria: ratio ${ratio.toFixed(1)}`);
    assert.ok(ratio <= 6, `${shared.length} criteria take ${ratio.toFixed(1)} times the join`);
  }
  names.release();
  await session.close();
  await lease.release();
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
  const names = takeSymbol(signatureOf(operator, 'value'));
  const use: OperatorUse = { book, reading: 'value', names, threshold: 0 };
  const state: LookUpState = { strict: false, stopped: false, rows: 0, mostMissing: Infinity };
  await registerLookUps(session, [use], state);
  await session.run("CREATE TABLE asked AS SELECT 'text ' || i AS d FROM range(10) r(i)");
  const native = new NativeLookUps(session, [use]);
  await native.install();
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
    `SELECT macro_definition FROM duckdb_functions() WHERE macro_definition LIKE '%${native.tableOf(use)}%'`,
  );
  const [definitions = []] = await macros.allColumns('json');
  assert.is(definitions.length, 2);
  for (const definition of definitions) assert.not.match(String(definition), /DROP|THEN true/);
  await native.remove();
  const left = await session.run('SELECT name FROM duckdb_variables()');
  assert.is(left.rowCount, 0);
  assert.is(state.rows, 0);
  names.release();
  await session.close();
  await lease.release();
});

test('gives the same rows whether answers are looked up in DuckDB or in JavaScript', async () => {
  await using engine = await openSemantic();
  await engine.query(BIG(60_000));
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
  ] as const) {
    const other = semantic
      .replaceAll(/(\bd|\bx) NOT MEANS ('\d')/g, 'NOT m_means($1, $2)')
      .replaceAll(/((?:\bx\.)?\bd|\bx) MEANS ('\d')/g, 'm_means($1, $2)')
      .replaceAll("d EXTRACTS 'q'", "m_extracts(d, 'q')")
      .replaceAll("d ABOUT 'x'", "m_about(d, 'x') >= 0.5");
    assert.ok(plain === '' || other.includes(plain));
    assert.equal(
      valuesOf(await engine.query(semantic)).sort(),
      valuesOf(await engine.query(other)).sort(),
      semantic,
    );
  }
});

test('tells texts apart that a collation holds for equal', async () => {
  await using engine = await openSemantic();
  await engine.query('CREATE TABLE folded (a VARCHAR COLLATE NOCASE)');
  await engine.query(
    "INSERT INTO folded SELECT CASE WHEN i % 2 = 0 THEN 'abc' ELSE 'ABC' END FROM range(30000) r(i)",
  );
  const { rows } = await engine.query("SELECT count(*) AS n FROM folded WHERE a MEANS 'b'");
  assert.equal(rows, [{ n: 15_000n }]);
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

test.run();
