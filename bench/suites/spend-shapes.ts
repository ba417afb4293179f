/**
 * Shapes of semantic queries. Plain SQL gives the least number of calls that can answer each of them. They run with one
 * call at a time (`parallel: 1`), so that only needed calls are made.
 */

/** The implementation of the operators: the operators themselves, or macros that return what the model answers. */
export interface Ops {
  means(column: string, word: string): string;
  /** Returns 0.9 if the text contains the word, else 0.1. */
  about(column: string, word: string): string;
  /** Returns the first label that the text contains, else the last label. */
  classify(column: string, labels: string): string;
}

export interface Shape {
  readonly name: string;
  readonly sql: (ops: Ops) => string;
  /** Computes the least number of calls. `has(text, word)` is the model's answer. */
  readonly least: string;
  /** True if the planner does not see that the query may stop early. */
  readonly isStopUnseen?: true;
  /** Why no engine can reach the least number: only hindsight shows the order, or which of several texts to ask about first. */
  readonly hindsight?: string;
}

/**
 * The tables. `t`: 240 different texts, about a tenth of them rare, nine tenths common, half of them even. `l` and `r`:
 * 24 texts each. `n`: 40 notes with 8 different texts.
 */
export const SHAPE_TABLES = `
CREATE MACRO has(d, word) AS list_contains(string_split(d, ' '), word);
CREATE TABLE t AS SELECT i AS id, i % 12 AS c, DATE '2021-01-01' + (i // 10)::INT AS day, concat('text ', i,
  CASE WHEN hash(i) % 10 = 0 THEN ' rare' ELSE '' END, CASE WHEN hash(i + 1000) % 10 > 0 THEN ' common' ELSE '' END,
  CASE WHEN hash(i + 2000) % 2 = 0 THEN ' even' ELSE ' odd' END) AS d FROM range(240) r(i);
CREATE TABLE l AS SELECT i AS id, i % 4 AS k, 'left ' || i || CASE WHEN i % 3 = 0 THEN ' rare' ELSE '' END AS d FROM range(24) r(i);
CREATE TABLE r AS SELECT i AS id, i % 4 AS k, 'right ' || i || CASE WHEN i % 5 = 0 THEN ' even' ELSE '' END AS d FROM range(24) r(i);
CREATE TABLE n AS SELECT i AS id, i % 20 AS t_id, 'note ' || (i % 8) || CASE WHEN i % 8 < 2 THEN ' rare' ELSE '' END AS d FROM range(40) r(i);`;

export const rare = (m: Ops, d = 'd') => m.means(d, 'rare');
export const common = (m: Ops, d = 'd') => m.means(d, 'common');
export const even = (m: Ops, d = 'd') => m.means(d, 'even');

/**
 * Counts the texts of `t` that meet `where`, up to the `count`-th row that also meets `condition`, or all if there are
 * fewer such rows.
 */
export const upTo = (condition: string, count: number, where = 'TRUE', order = 'id') =>
  `(WITH o AS (SELECT *, row_number() OVER (ORDER BY ${order}) AS p FROM t WHERE ${where}) SELECT count(DISTINCT d) FROM o WHERE p <= coalesce((SELECT p FROM o WHERE ${condition} ORDER BY p LIMIT 1 OFFSET ${count - 1}), 1e9))`;
/**
 * Counts the rows that have fewer than `count` rows that meet `condition` before them in their group. Only rows that meet
 * `counted` are counted.
 */
export const untilInGroup = (
  condition: string,
  count: number,
  from: string,
  key = 'c',
  counted = 'TRUE',
  order = 'id',
) =>
  `(SELECT count(*) FROM (SELECT ${counted} AS is_counted, count(*) FILTER (WHERE ${condition}) OVER (PARTITION BY ${key} ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ${from}) WHERE is_counted AND before < ${count})`;
export const all = (where = 'TRUE') => `(SELECT count(DISTINCT d) FROM t WHERE ${where})`;
export const sum = (...parts: string[]) => `SELECT ${parts.join(' + ')}`;
export const RARE = "has(d, 'rare')";
export const COMMON = "has(d, 'common')";
export const EVEN = "has(d, 'even')";

export const SHAPES: readonly Shape[] = [
  { name: 'filter', sql: (m) => `SELECT id FROM t WHERE ${rare(m)}`, least: sum(all()) },
  { name: 'NOT', sql: (m) => `SELECT id FROM t WHERE NOT (${rare(m)})`, least: sum(all()) },
  {
    name: 'LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} LIMIT 5`,
    least: sum(upTo(RARE, 5)),
  },
  {
    name: 'a computed LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} LIMIT 2 + 3`,
    least: sum(upTo(RARE, 5)),
  },
  {
    name: 'LIMIT, OFFSET',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} LIMIT 3 OFFSET 2`,
    least: sum(upTo(RARE, 5)),
  },
  {
    name: 'a date before, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE day > DATE '2021-01-06' AND ${even(m)} LIMIT 5`,
    least: sum(upTo(EVEN, 5, "day > DATE '2021-01-06'")),
  },
  {
    name: "a text like '-0', LIMIT",
    sql: (m) => `SELECT id FROM t WHERE d <> 'Model-0' AND ${even(m)} LIMIT 5`,
    least: sum(upTo(EVEN, 5)),
  },
  {
    name: '= TRUE, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE (${rare(m)}) = TRUE LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'IS TRUE, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE (${rare(m)}) IS TRUE LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a score, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${m.about('d', 'rare')} > 0.5 LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a label, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${m.classify('d', 'rare, other')} = 'rare' LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a label in a list, LIMIT',
    sql: (m) =>
      `SELECT id FROM t WHERE ${m.classify('d', 'rare, even, other')} IN ('rare', 'even') LIMIT 3`,
    least: sum(upTo(`${RARE} OR ${EVEN}`, 3)),
  },
  {
    name: 'ORDER BY, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} ORDER BY id DESC LIMIT 3`,
    least: sum(upTo(RARE, 3, 'TRUE', 'id DESC')),
  },
  {
    name: 'ORDER BY, a score, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${m.about('d', 'rare')} > 0.5 ORDER BY id DESC LIMIT 3`,
    least: sum(upTo(RARE, 3, 'TRUE', 'id DESC')),
  },
  {
    name: 'rare AND common',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} AND ${common(m)}`,
    least: sum(all(), all(RARE)),
  },
  {
    name: 'common AND rare',
    sql: (m) => `SELECT id FROM t WHERE ${common(m)} AND ${rare(m)}`,
    least: sum(all(), all(RARE)),
  },
  {
    name: 'rare OR common',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} OR ${common(m)}`,
    least: sum(all(), all(`NOT ${COMMON}`)),
  },
  {
    name: 'common OR rare',
    sql: (m) => `SELECT id FROM t WHERE ${common(m)} OR ${rare(m)}`,
    least: sum(all(), all(`NOT ${COMMON}`)),
  },
  {
    name: 'rare OR common, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${rare(m)} OR ${common(m)} LIMIT 5`,
    least: sum(
      upTo(`${RARE} OR ${COMMON}`, 5),
      `(SELECT count(*) FROM t WHERE NOT ${COMMON} AND id <= (SELECT id FROM t WHERE ${RARE} OR ${COMMON} ORDER BY id LIMIT 1 OFFSET 4))`,
    ),
    hindsight: 'which of the two to ask first shows with the answers',
  },
  {
    name: 'an AND inside an OR, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE (${rare(m)} AND ${even(m)}) OR ${common(m)} LIMIT 5`,
    least: sum(upTo(`(${RARE} AND ${EVEN}) OR ${COMMON}`, 5), '0'),
    hindsight: 'which of the two to ask first shows with the answers',
  },
  {
    name: 'an AND inside an OR',
    sql: (m) => `SELECT id FROM t WHERE (${rare(m)} AND ${even(m)}) OR ${common(m)}`,
    least: sum(all(), all(`NOT ${COMMON}`), all(`NOT ${COMMON} AND ${RARE}`)),
  },
  {
    name: 'OR a plain condition',
    sql: (m) => `SELECT id FROM t WHERE c < 5 OR ${rare(m)}`,
    least: sum(all('c >= 5')),
  },
  {
    name: 'three ANDs',
    sql: (m) => `SELECT id FROM t WHERE ${common(m)} AND ${even(m)} AND ${rare(m)}`,
    least: sum(all(), all(RARE), all(`${RARE} AND ${EVEN}`)),
  },
  {
    name: 'NOT IN of labels',
    sql: (m) =>
      `SELECT id FROM t WHERE ${m.classify('d', 'rare, even, other')} NOT IN ('rare', 'even')`,
    least: sum(all()),
  },
  { name: 'select list', sql: (m) => `SELECT id, ${rare(m)} AS r FROM t`, least: sum(all()) },
  {
    name: 'select list, LIMIT',
    sql: (m) => `SELECT id, ${rare(m)} AS r FROM t ORDER BY id LIMIT 7`,
    least: 'SELECT 7',
  },
  {
    name: 'select list, x AND y',
    sql: (m) => `SELECT id, (${rare(m)} AND ${even(m)}) AS r FROM t`,
    least: sum(all(), all(RARE)),
  },
  {
    name: 'select list, x OR y',
    sql: (m) => `SELECT id, (${common(m)} OR ${rare(m)}) AS r FROM t`,
    least: sum(all(), all(`NOT ${COMMON}`)),
  },
  {
    name: 'CASE ladder',
    sql: (m) =>
      `SELECT id, CASE WHEN ${common(m)} THEN 'a' WHEN ${rare(m)} THEN 'b' ELSE 'c' END AS k FROM t`,
    least: sum(all(), all(`NOT ${COMMON}`)),
  },
  {
    name: 'CASE ladder in GROUP BY',
    sql: (m) =>
      `SELECT CASE WHEN ${common(m)} THEN 'a' WHEN ${rare(m)} THEN 'b' ELSE 'c' END AS k, count(*) AS n FROM t GROUP BY ALL ORDER BY k`,
    least: sum(all(), all(`NOT ${COMMON}`)),
  },
  {
    name: 'CASE of a plain column',
    sql: (m) => `SELECT id, CASE c WHEN 1 THEN ${rare(m)} WHEN 2 THEN ${even(m)} END AS k FROM t`,
    least: sum(all('c IN (1, 2)')),
  },
  {
    name: 'count FILTER',
    sql: (m) => `SELECT count(*) FILTER (WHERE ${rare(m)}) AS n FROM t WHERE c < 6`,
    least: sum(all('c < 6')),
  },
  {
    name: 'GROUP BY a column',
    sql: (m) => `SELECT c, count(*) AS n FROM t WHERE ${rare(m)} GROUP BY c ORDER BY c`,
    least: sum(all()),
  },
  {
    name: 'GROUP BY a label',
    sql: (m) =>
      `SELECT ${m.classify('d', 'rare, other')} AS k, count(*) AS n FROM t GROUP BY 1 ORDER BY 1`,
    least: sum(all()),
  },
  {
    name: 'HAVING on what is grouped',
    sql: (m) =>
      `SELECT c, count(*) FILTER (WHERE ${rare(m)}) AS n FROM t GROUP BY c HAVING c < 3 ORDER BY c`,
    least: sum(all('c < 3')),
  },
  {
    name: 'HAVING',
    sql: (m) =>
      `SELECT d, count(*) AS n FROM n GROUP BY d HAVING count(*) > 4 AND ${rare(m)} ORDER BY d`,
    least: 'SELECT count(*) FROM (SELECT d FROM n GROUP BY d HAVING count(*) > 4)',
  },
  {
    name: 'QUALIFY',
    sql: (m) =>
      `SELECT id FROM t QUALIFY row_number() OVER (PARTITION BY c ORDER BY id) = 1 AND ${rare(m)}`,
    least: 'SELECT 12',
  },
  {
    name: 'DISTINCT',
    sql: (m) => `SELECT DISTINCT c FROM t WHERE c < 4 AND ${rare(m)} ORDER BY c`,
    least: sum(untilInGroup(RARE, 1, 't WHERE c < 4')),
  },
  {
    name: 'EXISTS in the select list',
    sql: (m) => `SELECT EXISTS (SELECT 1 FROM t WHERE ${rare(m)}) AS e`,
    least: sum(upTo(RARE, 1)),
  },
  {
    name: 'EXISTS as a filter',
    sql: (m) => `SELECT count(*) AS n FROM l WHERE EXISTS (SELECT 1 FROM t WHERE ${rare(m)})`,
    least: sum(upTo(RARE, 1)),
  },
  {
    name: 'NOT EXISTS as a filter',
    sql: (m) => `SELECT count(*) AS n FROM l WHERE NOT EXISTS (SELECT 1 FROM t WHERE ${rare(m)})`,
    least: sum(upTo(RARE, 1)),
  },
  {
    name: 'count > 0 of a subquery',
    sql: (m) => `SELECT (SELECT count(*) FROM t WHERE c = 1 AND ${rare(m)}) > 0 AS e`,
    least: sum(upTo(RARE, 1, 'c = 1')),
  },
  {
    name: 'IN a semantic subquery',
    sql: (m) => `SELECT id FROM t WHERE id IN (SELECT t_id FROM n WHERE ${rare(m)}) ORDER BY id`,
    // A key with a rare note needs no other text: six of the eight texts decide.
    least: 'SELECT 6',
    hindsight: 'texts are shared by keys',
  },
  {
    name: 'a filter on ids in a semantic subquery',
    sql: (m) =>
      `SELECT id FROM l WHERE k = 1 AND id IN (SELECT id FROM t WHERE ${even(m)}) ORDER BY id`,
    least: 'SELECT count(*) FROM l WHERE k = 1',
  },
  {
    name: 'correlated EXISTS',
    sql: (m) =>
      `SELECT id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k AND ${even(m, 'r.d')}) ORDER BY id`,
    least:
      "SELECT sum(n) FROM (SELECT k, coalesce(min(p) FILTER (WHERE has(d, 'even')), count(*)) AS n FROM (SELECT k, d, row_number() OVER (PARTITION BY k ORDER BY id) AS p FROM r) GROUP BY k)",
  },
  {
    name: 'correlated NOT EXISTS',
    sql: (m) =>
      `SELECT id FROM l WHERE k = 1 AND NOT EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) ORDER BY id`,
    least: 'SELECT count(*) FROM l WHERE k = 1',
  },
  {
    name: 'correlated EXISTS, LIMIT',
    sql: (m) =>
      `SELECT id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) ORDER BY id LIMIT 2`,
    least: 'SELECT 6',
  },
  {
    name: 'correlated NOT EXISTS, LIMIT',
    sql: (m) =>
      `SELECT id FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) ORDER BY id LIMIT 2`,
    least: 'SELECT 3',
  },
  {
    name: 'IN a semantic subquery, LIMIT',
    sql: (m) =>
      `SELECT id FROM l WHERE id IN (SELECT id FROM t WHERE ${even(m)}) ORDER BY id LIMIT 4`,
    least: sum(upTo(EVEN, 4)),
  },
  {
    name: 'NOT IN a semantic subquery',
    sql: (m) =>
      `SELECT id FROM l WHERE k = 1 AND id NOT IN (SELECT id FROM t WHERE ${even(m)}) ORDER BY id`,
    least: 'SELECT count(*) FROM l WHERE k = 1',
  },
  {
    name: 'a plain EXISTS beside MEANS',
    sql: (m) =>
      `SELECT id FROM t WHERE EXISTS (SELECT 1 FROM l WHERE l.id = t.id AND l.k = 1) AND ${rare(m)} ORDER BY id`,
    least: sum(all('id IN (SELECT id FROM l WHERE k = 1)')),
  },
  {
    name: 'a plain NOT EXISTS beside MEANS',
    sql: (m) =>
      `SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.id + 20 < t.id) AND ${rare(m)} ORDER BY id`,
    least: sum(all('id <= 20')),
  },
  {
    name: 'a plain IN beside MEANS',
    sql: (m) =>
      `SELECT id FROM t WHERE id IN (SELECT id FROM l WHERE k = 1) AND ${rare(m)} ORDER BY id`,
    least: sum(all('id IN (SELECT id FROM l WHERE k = 1)')),
  },
  {
    name: 'pair condition in WHERE, LIMIT',
    sql: (m) =>
      `SELECT l.id AS a, r.id AS b FROM l JOIN r ON l.k = r.k WHERE ${m.means("l.d || ' ' || r.d", 'rare')} ORDER BY l.id, r.id LIMIT 4`,
    least:
      "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY l.id, r.id) AS p, has(l.d, 'rare') AS m FROM l JOIN r ON l.k = r.k) q WHERE p <= (SELECT p FROM (SELECT row_number() OVER (ORDER BY l.id, r.id) AS p, has(l.d, 'rare') AS m FROM l JOIN r ON l.k = r.k) WHERE m ORDER BY p LIMIT 1 OFFSET 3)",
  },
  {
    name: 'pair condition in ON, LIMIT',
    sql: (m) =>
      `SELECT l.id AS a, r.id AS b FROM l JOIN r ON l.k = r.k AND ${m.means("l.d || ' ' || r.d", 'rare')} ORDER BY l.id, r.id LIMIT 4`,
    least:
      "SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY l.id, r.id) AS p, has(l.d, 'rare') AS m FROM l JOIN r ON l.k = r.k) q WHERE p <= (SELECT p FROM (SELECT row_number() OVER (ORDER BY l.id, r.id) AS p, has(l.d, 'rare') AS m FROM l JOIN r ON l.k = r.k) WHERE m ORDER BY p LIMIT 1 OFFSET 3)",
  },
  {
    name: 'two conditions in ON',
    sql: (m) =>
      `SELECT l.id AS a, r.id AS b FROM l JOIN r ON l.id = r.id AND ${rare(m, 'l.d')} AND ${even(m, 'r.d')} ORDER BY 1, 2`,
    least: 'SELECT 24 + 5',
  },
  {
    name: 'LEFT JOIN ON equality AND semantic',
    sql: (m) =>
      `SELECT l.id AS a, r.id AS b FROM l LEFT JOIN r ON l.id = r.id + 18 AND ${even(m, 'r.d')} ORDER BY 1, 2`,
    least: 'SELECT 6',
  },
  {
    name: 'SEMI JOIN ON equality AND semantic',
    sql: (m) =>
      `SELECT l.id AS a FROM l SEMI JOIN r ON l.id = r.id + 18 AND ${even(m, 'r.d')} ORDER BY 1`,
    least: 'SELECT 6',
  },
  {
    name: 'ANTI JOIN ON equality AND semantic',
    sql: (m) =>
      `SELECT l.id AS a FROM l ANTI JOIN r ON l.id = r.id + 18 AND ${even(m, 'r.d')} ORDER BY 1`,
    least: 'SELECT 6',
  },
  {
    name: 'a join with a condition on each side',
    sql: (m) =>
      `SELECT l.id AS a FROM l JOIN r ON l.id = r.id WHERE ${rare(m, 'l.d')} AND ${even(m, 'r.d')} ORDER BY 1`,
    least: 'SELECT 24 + 5',
  },
  {
    name: 'a join after a filter',
    sql: (m) =>
      `SELECT l.id AS a FROM l JOIN t ON l.id = t.id WHERE l.k = 1 AND ${even(m, 't.d')} ORDER BY 1`,
    least: 'SELECT 6',
  },
  {
    name: 'a join of a filter and a semantic CTE',
    sql: (m) =>
      `WITH q AS (SELECT * FROM t WHERE ${even(m)}) SELECT l.id FROM l JOIN q ON l.id = q.id WHERE k = 1 ORDER BY 1`,
    least: 'SELECT count(*) FROM l WHERE k = 1',
  },
  {
    name: 'a LEFT JOIN of a filter and a semantic query',
    sql: (m) =>
      `SELECT l.id, q.d FROM l LEFT JOIN (SELECT * FROM t WHERE ${even(m)}) q ON l.id = q.id WHERE k = 1 ORDER BY 1`,
    least: 'SELECT count(*) FROM l WHERE k = 1',
  },
  {
    name: 'LIMIT over UNION ALL',
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} UNION ALL SELECT id FROM t WHERE ${even(m)} LIMIT 4`,
    least: 'SELECT 10',
  },
  {
    name: 'LIMIT over UNION ALL, into the second arm',
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} UNION ALL SELECT id FROM t WHERE ${even(m)} LIMIT 10`,
    least: sum('24', upTo(EVEN, 2)),
  },
  {
    name: 'a UNION ALL in FROM, LIMIT outside',
    sql: (m) =>
      `SELECT * FROM (SELECT id FROM l WHERE ${rare(m)} UNION ALL SELECT id FROM t WHERE ${even(m)}) q LIMIT 4`,
    least: 'SELECT 10',
  },
  {
    name: 'a UNION ALL in FROM, filtered outside',
    sql: (m) =>
      `SELECT count(*) AS n FROM (SELECT id, k FROM l WHERE ${rare(m)} UNION ALL SELECT id, c FROM t WHERE ${even(m)}) q WHERE k = 1`,
    least: sum('6', all('c = 1')),
  },
  {
    name: 'UNION',
    sql: (m) =>
      `(SELECT d FROM l WHERE ${rare(m)} UNION SELECT d FROM l WHERE ${rare(m)}) ORDER BY 1`,
    least: 'SELECT 24',
  },
  {
    name: 'EXCEPT',
    sql: (m) => `SELECT d FROM t WHERE c < 4 EXCEPT SELECT d FROM t WHERE ${rare(m)} ORDER BY 1`,
    least: sum(all('c < 4')),
  },
  {
    name: 'INTERSECT',
    sql: (m) => `SELECT d FROM t WHERE c < 4 INTERSECT SELECT d FROM t WHERE ${rare(m)} ORDER BY 1`,
    least: sum(all('c < 4')),
  },
  {
    name: 'a CTE filtered outside',
    sql: (m) =>
      `WITH w AS (SELECT id, c, ${rare(m)} AS r FROM t) SELECT id FROM w WHERE c = 3 AND r`,
    least: sum(all('c = 3')),
  },
  {
    name: 'a CTE with a condition, filtered outside',
    sql: (m) => `WITH w AS (SELECT * FROM t WHERE ${rare(m)}) SELECT id FROM w WHERE c = 3`,
    least: sum(all('c = 3')),
  },
  {
    name: 'a CTE used twice',
    sql: (m) =>
      `WITH w AS (SELECT * FROM t WHERE c < 3 AND ${rare(m)}) SELECT (SELECT count(*) FROM w) AS a, (SELECT max(id) FROM w) AS b`,
    least: sum(all('c < 3')),
  },
  {
    name: 'a CTE, LIMIT outside',
    sql: (m) => `WITH w AS (SELECT * FROM t WHERE ${rare(m)}) SELECT id FROM w LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a subquery in FROM, LIMIT outside',
    sql: (m) => `SELECT id FROM (SELECT id, d FROM t WHERE ${rare(m)}) q LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a column of a subquery filtered outside, LIMIT',
    sql: (m) => `SELECT id FROM (SELECT id, ${rare(m)} AS r FROM t) q WHERE r LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'a LIMIT inside a subquery',
    sql: (m) => `SELECT id FROM (SELECT id, d FROM t ORDER BY id LIMIT 20) q WHERE ${rare(m)}`,
    least: 'SELECT 20',
  },
  {
    name: 'a window over a filter',
    sql: (m) =>
      `SELECT id, row_number() OVER (ORDER BY id) AS p FROM t WHERE c = 2 AND ${even(m)} ORDER BY id`,
    least: sum(all('c = 2')),
  },
  {
    name: 'COALESCE with FALSE, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE COALESCE(${rare(m)}, FALSE) LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'IS NOT DISTINCT FROM TRUE, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE (${rare(m)}) IS NOT DISTINCT FROM TRUE LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'BETWEEN scores, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${m.about('d', 'rare')} BETWEEN 0.5 AND 1 LIMIT 3`,
    least: sum(upTo(RARE, 3)),
  },
  {
    name: 'the same question twice',
    sql: (m) => `SELECT id, ${rare(m)} AS r FROM t WHERE c < 6 AND ${rare(m)}`,
    least: sum(all('c < 6')),
  },
  {
    name: 'the order by a score, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE c < 2 ORDER BY ${m.about('d', 'rare')} DESC, id LIMIT 3`,
    least: sum(all('c < 2')),
  },
  {
    name: 'a LATERAL join',
    sql: (m) =>
      `SELECT l.id, q.id AS b FROM l, LATERAL (SELECT id FROM r WHERE r.k = l.k AND ${even(m, 'r.d')}) q WHERE l.k = 1 ORDER BY 1, 2`,
    least: 'SELECT count(*) FROM r WHERE k = 1',
  },
  {
    name: 'a scalar subquery',
    sql: (m) => `SELECT id FROM l WHERE id = (SELECT min(id) FROM t WHERE c = 4 AND ${even(m)})`,
    least: sum(all('c = 4')),
  },
];

/** Shapes that are measured together. */
export interface ShapeSet {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** The most calls of all shapes together, as a multiple of the least. */
  readonly most: number;
}
