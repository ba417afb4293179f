/**
 * More shapes over the tables of `spend-shapes.ts`: queries in WITH, windows, set operations, joins and subqueries, where
 * the condition that limits the questions stands far from the operator.
 */
import {
  all,
  COMMON,
  common,
  EVEN,
  even,
  RARE,
  rare,
  type Shape,
  sum,
  untilInGroup,
  upTo,
} from './spend-shapes.ts';

const JOINED = 'c = 1 AND id IN (SELECT id FROM l WHERE k = 1)';
const WHICH_FIRST = 'which condition to ask first shows with the answers';
/** The number of rows of `l` or `r` with one `k`. */
const OF_ONE_K = 'SELECT 6';

export const WIDER_SHAPES: readonly Shape[] = [
  {
    name: 'a CTE over a CTE',
    sql: (m) =>
      `WITH a AS (SELECT * FROM t WHERE ${rare(m)}), b AS (SELECT * FROM a WHERE c = 1) SELECT id FROM b`,
    least: sum(all('c = 1')),
  },
  {
    name: 'three CTEs, LIMIT',
    sql: (m) =>
      `WITH s AS (SELECT * FROM t), a AS (SELECT * FROM s WHERE ${even(m)}), b AS (SELECT * FROM a WHERE c = 1) SELECT id FROM b ORDER BY id LIMIT 3`,
    least: sum(upTo(EVEN, 3, 'c = 1')),
  },
  {
    name: 'a join with a semantic CTE, conditions outside',
    sql: (m) =>
      `WITH a AS (SELECT * FROM t WHERE ${rare(m)}) SELECT a.id FROM a JOIN l ON l.id = a.id WHERE c = 1 AND l.k = 1`,
    least: sum(all(JOINED)),
  },
  {
    name: 'a LEFT JOIN with a semantic query, a condition in ON',
    isStopUnseen: true,
    sql: (m) =>
      `SELECT l.id, a.id AS b FROM l LEFT JOIN (SELECT * FROM t WHERE ${rare(m)}) a ON a.id = l.id AND a.c = 1 WHERE l.k = 1 ORDER BY 1`,
    least: sum(all(JOINED)),
  },
  {
    name: 'a CTE joined with itself, conditions outside',
    sql: (m) =>
      `WITH a AS (SELECT * FROM t WHERE ${rare(m)}) SELECT x.id FROM a x JOIN a y ON x.id = y.id WHERE x.c = 1 AND y.c = 1`,
    least: sum(all('c = 1')),
  },
  {
    name: 'GROUP BY inside, a condition outside',
    sql: (m) =>
      `SELECT * FROM (SELECT c, count(*) AS n FROM t WHERE ${rare(m)} GROUP BY c) q WHERE c = 1`,
    least: sum(all('c = 1')),
  },
  {
    name: 'DISTINCT inside, a condition outside',
    sql: (m) => `SELECT * FROM (SELECT DISTINCT c, id FROM t WHERE ${rare(m)}) q WHERE c = 1`,
    least: sum(all('c = 1')),
  },
  {
    name: 'a window inside, conditions outside',
    sql: (m) =>
      `SELECT id, rn FROM (SELECT *, row_number() OVER (PARTITION BY c ORDER BY id) AS rn FROM t WHERE ${rare(m)}) q WHERE c = 1 AND rn <= 3`,
    least: sum(upTo(RARE, 3, 'c = 1')),
  },
  {
    name: 'NOT IN a semantic subquery, LIMIT',
    sql: (m) =>
      `SELECT id FROM t WHERE c = 1 AND id NOT IN (SELECT id FROM t WHERE ${rare(m)}) ORDER BY id LIMIT 3`,
    least: sum(upTo(`NOT ${RARE}`, 3, 'c = 1')),
  },
  {
    name: 'DISTINCT ON',
    sql: (m) => `SELECT DISTINCT ON (c) c, id FROM t WHERE c < 4 AND ${even(m)} ORDER BY c, id`,
    least: sum(untilInGroup(EVEN, 1, 't WHERE c < 4')),
  },
  {
    name: 'max of a column',
    sql: (m) => `SELECT max(id) AS m FROM t WHERE ${rare(m)}`,
    least: sum(upTo(RARE, 1, 'TRUE', 'id DESC')),
  },
  {
    name: 'min of a column, filtered',
    sql: (m) => `SELECT min(id) AS m FROM t WHERE c = 4 AND ${even(m)}`,
    least: sum(upTo(EVEN, 1, 'c = 4')),
  },
  {
    name: 'count >= 3 of a subquery',
    sql: (m) => `SELECT (SELECT count(*) FROM t WHERE ${even(m)}) >= 3 AS e`,
    least: sum(upTo(EVEN, 3)),
  },
  {
    name: 'count < 3 of a subquery',
    sql: (m) => `SELECT (SELECT count(*) FROM t WHERE ${even(m)}) < 3 AS e`,
    least: sum(upTo(EVEN, 3)),
  },
  {
    name: 'HAVING count >= 3',
    sql: (m) => `SELECT c FROM t WHERE ${even(m)} GROUP BY c HAVING count(*) >= 3 ORDER BY c`,
    least: sum(untilInGroup(EVEN, 3, 't')),
  },
  {
    name: 'DISTINCT over the whole table',
    sql: (m) => `SELECT DISTINCT c FROM t WHERE ${even(m)} ORDER BY c`,
    least: sum(untilInGroup(EVEN, 1, 't')),
  },
  {
    name: 'DISTINCT, LIMIT',
    sql: (m) => `SELECT DISTINCT c FROM t WHERE ${even(m)} ORDER BY c LIMIT 3`,
    least: sum(untilInGroup(EVEN, 1, 't WHERE c < 3')),
  },
  {
    name: 'GROUP BY without an aggregate',
    sql: (m) => `SELECT c FROM t WHERE ${even(m)} GROUP BY c ORDER BY c`,
    least: sum(untilInGroup(EVEN, 1, 't')),
  },
  {
    name: 'bool_or',
    sql: (m) => `SELECT bool_or(${rare(m)}) AS b FROM t`,
    least: sum(upTo(RARE, 1)),
  },
  {
    name: 'bool_or by group',
    sql: (m) => `SELECT c, bool_or(${even(m)}) AS b FROM t WHERE c < 4 GROUP BY c ORDER BY c`,
    least: sum(untilInGroup(EVEN, 1, 't WHERE c < 4')),
  },
  {
    name: 'an aggregate over a LIMIT',
    sql: (m) => `SELECT max(c) AS x FROM (SELECT c FROM t WHERE ${even(m)} ORDER BY id LIMIT 4) q`,
    least: sum(upTo(EVEN, 4)),
  },
  {
    name: 'a LIMIT over a LIMIT',
    isStopUnseen: true,
    sql: (m) =>
      `SELECT id FROM (SELECT id, d FROM t WHERE ${even(m)} ORDER BY id LIMIT 10) q WHERE ${common(m)} LIMIT 3`,
    least: sum(
      upTo(`${EVEN} AND ${COMMON}`, 3),
      untilInGroup(`${EVEN} AND ${COMMON}`, 3, 't', 'TRUE', EVEN),
    ),
  },
  {
    name: 'a join with a CTE with a LIMIT',
    sql: (m) =>
      `WITH w AS (SELECT id FROM t WHERE ${even(m)} ORDER BY id LIMIT 6) SELECT l.id FROM l JOIN w ON l.id = w.id WHERE l.k < 2 ORDER BY 1`,
    least: sum(upTo(EVEN, 6)),
  },
  {
    name: 'LATERAL, LIMIT 1',
    isStopUnseen: true,
    sql: (m) =>
      `SELECT l.id, q.id AS b FROM l, LATERAL (SELECT id FROM r WHERE r.k = l.k AND ${even(m, 'r.d')} ORDER BY id LIMIT 1) q WHERE l.k < 2 ORDER BY 1`,
    least: sum(untilInGroup(EVEN, 1, 'r WHERE k < 2', 'k')),
  },
  {
    name: 'a correlated count',
    sql: (m) =>
      `SELECT id, (SELECT count(*) FROM r WHERE r.k = l.k AND ${even(m, 'r.d')}) AS n FROM l WHERE l.k = 1 ORDER BY id`,
    least: OF_ONE_K,
  },
  {
    name: 'a correlated count > 0',
    sql: (m) =>
      `SELECT id FROM l WHERE l.k < 2 AND (SELECT count(*) FROM r WHERE r.k = l.k AND ${even(m, 'r.d')}) > 0 ORDER BY id`,
    least: sum(untilInGroup(EVEN, 1, 'r WHERE k < 2', 'k')),
  },
  {
    name: 'correlated EXISTS after a plain condition',
    sql: (m) =>
      `SELECT id FROM l WHERE k = 1 AND EXISTS (SELECT 1 FROM n WHERE n.t_id = l.id AND ${rare(m, 'n.d')}) ORDER BY id`,
    // Every key has both texts, and the rare one decides.
    least: 'SELECT 1',
    hindsight: 'texts are shared by keys',
  },
  {
    name: 'correlated EXISTS OR MEANS',
    sql: (m) =>
      `SELECT id FROM l WHERE k < 2 AND (EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) OR ${rare(m)}) ORDER BY id`,
    least: `SELECT count(*) + count(*) FILTER (WHERE NOT ${RARE}) FROM l WHERE k < 2`,
    hindsight: WHICH_FIRST,
  },
  {
    name: 'two correlated EXISTS',
    sql: (m) =>
      `SELECT id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) AND EXISTS (SELECT 1 FROM t WHERE t.id = l.id AND ${common(m, 't.d')}) ORDER BY id`,
    least: 'SELECT 24 + 5',
    hindsight: WHICH_FIRST,
  },
  {
    name: 'IN a semantic subquery beside MEANS, LIMIT',
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} AND id IN (SELECT id FROM t WHERE ${common(m)}) ORDER BY id LIMIT 3`,
    least: (() => {
      const rows =
        "(SELECT l.id, has(l.d, 'rare') AS a, has(t.d, 'common') AS b FROM l JOIN t USING (id))";
      return sum(
        untilInGroup('(a AND b)', 3, rows, 'TRUE'),
        untilInGroup('(a AND b)', 3, rows, 'TRUE', 'a'),
      );
    })(),
  },
  {
    name: 'NOT EXISTS over a join',
    sql: (m) =>
      `SELECT t.id FROM t JOIN l ON l.id = t.id WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.id = l.id AND ${even(m, 'r.d')}) AND l.k = 2 ORDER BY 1`,
    least: OF_ONE_K,
  },
  {
    name: 'a join of three tables, two conditions',
    sql: (m) =>
      `SELECT l.id FROM l JOIN r ON l.id = r.id JOIN t ON t.id = l.id WHERE l.k = 0 AND r.k = 0 AND ${rare(m, 't.d')} AND ${even(m, 'r.d')} ORDER BY 1`,
    least:
      "SELECT count(*) + least(count(*) FILTER (WHERE has(t.d, 'rare')), count(*) FILTER (WHERE has(r.d, 'even'))) FROM r JOIN t USING (id) WHERE k = 0",
    hindsight: WHICH_FIRST,
  },
  {
    name: 'a join of many rows with many, a condition on each side',
    sql: (m) =>
      `SELECT count(*) AS x FROM l JOIN r ON l.k = r.k WHERE ${rare(m, 'l.d')} AND ${even(m, 'r.d')}`,
    least: 'SELECT 24 + 24',
  },
  {
    name: 'a join, ORDER BY, LIMIT',
    sql: (m) =>
      `SELECT l.id, t.id AS b FROM l JOIN t ON l.k = t.c WHERE ${even(m, 't.d')} ORDER BY t.id, l.id LIMIT 5`,
    least: sum(upTo(EVEN, 1, 'c < 4')),
  },
  {
    name: 'UNION, LIMIT',
    sql: (m) =>
      `SELECT c FROM t WHERE ${even(m)} UNION SELECT k FROM l WHERE ${rare(m)} ORDER BY 1 LIMIT 3`,
    least: sum(
      ...[0, 1, 2].map(
        (key) =>
          `least(${untilInGroup(EVEN, 1, `t WHERE c = ${key}`)}, ${untilInGroup(RARE, 1, `l WHERE k = ${key}`, 'k')})`,
      ),
    ),
    hindsight: 'which arm has the first row of a value shows with the answers',
  },
  {
    name: 'three arms of a UNION ALL, LIMIT',
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} UNION ALL SELECT id FROM r WHERE ${even(m)} UNION ALL SELECT id FROM t WHERE ${common(m)} LIMIT 15`,
    least: sum('24 + 24', upTo(COMMON, 2)),
  },
  {
    name: 'EXCEPT of two semantic queries',
    isStopUnseen: true,
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} EXCEPT SELECT id FROM r WHERE ${even(m)} ORDER BY 1`,
    least: 'SELECT 24 + 8',
  },
  {
    name: 'INTERSECT of two semantic queries',
    sql: (m) =>
      `SELECT id FROM l WHERE ${rare(m)} INTERSECT SELECT id FROM r WHERE ${even(m)} ORDER BY 1`,
    least: 'SELECT 24 + 5',
    hindsight: WHICH_FIRST,
  },
  {
    name: 'QUALIFY over a filter',
    isStopUnseen: true,
    sql: (m) =>
      `SELECT id FROM t WHERE c < 3 AND ${even(m)} QUALIFY row_number() OVER (PARTITION BY c ORDER BY id) <= 2 ORDER BY id`,
    least: sum(untilInGroup(EVEN, 2, 't WHERE c < 3')),
  },
  {
    name: 'the order by a score after a filter, LIMIT',
    sql: (m) =>
      `SELECT id FROM t WHERE c < 3 AND ${rare(m)} ORDER BY ${m.about('d', 'even')} DESC, id LIMIT 2`,
    least: sum(all('c < 3'), all(`c < 3 AND ${RARE}`)),
  },
  {
    name: 'a label of the first rows',
    sql: (m) =>
      `SELECT id, ${m.classify('d', 'rare, even, other')} AS k FROM t WHERE ${rare(m)} ORDER BY id LIMIT 4`,
    least: sum(upTo(RARE, 4), '4'),
  },
  {
    name: 'a window by a label',
    sql: (m) =>
      `SELECT id, count(*) OVER (PARTITION BY ${m.classify('d', 'rare, other')}) AS n FROM t WHERE c = 1 ORDER BY id`,
    least: sum(all('c = 1')),
  },
  {
    name: 'a sum of a CASE',
    sql: (m) => `SELECT sum(CASE WHEN ${rare(m)} THEN 1 ELSE 0 END) AS s FROM t WHERE c < 3`,
    least: sum(all('c < 3')),
  },
  {
    name: 'MEANS IS NULL',
    sql: (m) => `SELECT id FROM t WHERE c = 2 AND (${rare(m)}) IS NULL`,
    least: sum(all('c = 2')),
  },
  {
    name: 'three nested queries, LIMIT',
    sql: (m) =>
      `SELECT id FROM (SELECT * FROM (SELECT * FROM (SELECT * FROM t WHERE ${even(m)}) a) b WHERE c = 1) q LIMIT 3`,
    least: sum(upTo(EVEN, 3, 'c = 1')),
  },
  {
    name: 'ANTI JOIN with a semantic CTE',
    sql: (m) =>
      `WITH bad AS (SELECT id FROM r WHERE ${even(m)}) SELECT l.id FROM l ANTI JOIN bad ON bad.id = l.id WHERE l.k = 1 ORDER BY 1`,
    least: OF_ONE_K,
  },
  {
    name: 'SEMI JOIN with a semantic CTE, LIMIT',
    sql: (m) =>
      `WITH good AS (SELECT id FROM t WHERE ${even(m)}) SELECT l.id FROM l SEMI JOIN good ON good.id = l.id ORDER BY 1 LIMIT 2`,
    least: sum(upTo(EVEN, 2)),
  },
  {
    name: '> ALL of a semantic subquery',
    sql: (m) => `SELECT id FROM l WHERE id > ALL (SELECT id FROM r WHERE ${even(m)}) ORDER BY id`,
    least: sum(untilInGroup(EVEN, 1, 'r', 'TRUE', 'TRUE', 'id DESC')),
  },
  {
    name: 'a score AND a label',
    sql: (m) =>
      `SELECT id FROM t WHERE c < 6 AND ${m.about('d', 'rare')} > 0.5 AND ${m.classify('d', 'even, other')} = 'even'`,
    least: sum(all('c < 6'), all(`c < 6 AND ${RARE}`)),
  },
  {
    name: 'common AND rare, LIMIT',
    sql: (m) => `SELECT id FROM t WHERE ${common(m)} AND ${rare(m)} LIMIT 3`,
    least: sum(
      upTo(`${COMMON} AND ${RARE}`, 3),
      untilInGroup(`${COMMON} AND ${RARE}`, 3, 't', 'TRUE', RARE),
    ),
    hindsight: WHICH_FIRST,
  },
  {
    name: 'count FILTER after a filter',
    sql: (m) =>
      `SELECT c, count(*) FILTER (WHERE ${rare(m)}) AS n FROM t WHERE c < 4 AND ${even(m)} GROUP BY c ORDER BY c`,
    least: sum(all('c < 4'), all(`c < 4 AND ${EVEN}`)),
  },
  {
    name: 'a CTE with a flag, filtered outside, LIMIT',
    sql: (m) =>
      `WITH w AS (SELECT *, ${even(m)} AS m FROM t) SELECT id FROM w WHERE c = 1 AND m ORDER BY id LIMIT 3`,
    least: sum(upTo(EVEN, 3, 'c = 1')),
  },
];
