/** The statements of the suite `spend`. Plain SQL gives the least number of calls that can answer each of them. */

export interface SpendQuery {
  readonly name: string;
  /** True: up to `n` further calls may be in flight when the last wanted row becomes certain. */
  readonly stopsEarly?: boolean;
  readonly sql: string;
  /** Computes the least number from the table `items`. The macros `rare(d)` and `common(d)` return the model's answers. */
  readonly least: string;
  /**
   * The largest allowed ratio of calls to the least number. Default: 1. `more`: no limit, because this route is known to
   * ask more.
   */
  readonly most?: number | 'more';
  /** A statement that runs before, so that its answers are cache hits. */
  readonly first?: string;
  /** True: the calls depend on the answers, so EXPLAIN can only expect a number of calls. */
  readonly isOpen?: true;
}

/** The number of calls in flight: the default of semantic SQL. */
export const IN_FLIGHT = 10;
/** The tables: 500 texts, each in two rows. One text in ten is rare, in the middle of the ten, and the others are common. */
export const TABLES = `
CREATE TABLE items AS
SELECT i AS id, 'item ' || (i % 500) || ' of the list' AS d, i % 7 AS c FROM range(1000) r(i);
INSERT INTO items VALUES (2000, NULL, 1), (2001, NULL, 2);
CREATE TABLE past AS SELECT 'item ' || i || ' of an old list' AS d FROM range(50) r(i);
CREATE MACRO rare(d) AS regexp_matches(d, 'item \\d*5 ');
CREATE MACRO common(d) AS regexp_matches(d, 'item \\d*[0-46-9] ');`;

const RARE = "d MEANS 'is rare'";
const COMMON = "d IMPLIES 'is common'";
/** The same questions about other texts, from which EXPLAIN learns. No answer to a question about `items` is stored by them. */
export const HISTORY = [
  `SELECT count(*) FROM past WHERE ${RARE}`,
  `SELECT count(*) FROM past WHERE ${COMMON}`,
];
const BOTH = 'SELECT count(DISTINCT d) + count(DISTINCT d) FILTER (WHERE rare(d)) FROM items';
const EVERY = 'SELECT count(DISTINCT d) FROM items';

export const QUERIES: readonly SpendQuery[] = [
  {
    name: 'a plain condition first',
    sql: `SELECT id FROM items WHERE ${RARE} AND c = 3`,
    least: `${EVERY} WHERE c = 3`,
  },
  {
    name: 'plain conditions that a scan does not decide',
    sql: `SELECT id FROM items WHERE ${RARE} AND id % 2 = 0 AND id + c < 300`,
    least: `${EVERY} WHERE id % 2 = 0 AND id + c < 300`,
  },
  {
    name: '10 % before 90 %',
    isOpen: true,
    sql: `SELECT id FROM items WHERE ${RARE} AND ${COMMON}`,
    least: BOTH,
    most: 1.05,
  },
  {
    name: '90 % before 10 %',
    isOpen: true,
    sql: `SELECT id FROM items WHERE ${COMMON} AND ${RARE}`,
    least: BOTH,
    most: 1.05,
  },
  {
    name: 'LIMIT',
    isOpen: true,
    stopsEarly: true,
    sql: `SELECT id FROM items WHERE ${RARE} LIMIT 5`,
    least: `${EVERY} WHERE id <= (SELECT id FROM items WHERE rare(d) ORDER BY id LIMIT 1 OFFSET 4)`,
  },
  {
    name: 'LIMIT under an order',
    isOpen: true,
    stopsEarly: true,
    sql: `SELECT id FROM items WHERE ${RARE} ORDER BY id DESC LIMIT 5 OFFSET 2`,
    least: `${EVERY} WHERE id >= (SELECT id FROM items WHERE rare(d) ORDER BY id DESC LIMIT 1 OFFSET 6)`,
  },
  {
    name: 'ORDER BY RELEVANCE TO, LIMIT',
    sql: "SELECT id FROM items WHERE c < 2 ORDER BY d RELEVANCE TO 'a list' LIMIT 3",
    least: `${EVERY} WHERE c < 2`,
  },
  {
    name: 'OR with a plain condition',
    sql: `SELECT id FROM items WHERE c < 5 OR ${RARE}`,
    least: `${EVERY} WHERE c >= 5`,
  },
  {
    name: 'CASE',
    sql: `SELECT id, CASE WHEN c = 1 THEN ${RARE} END AS r FROM items`,
    least: `${EVERY} WHERE c = 1`,
  },
  {
    name: 'a join',
    sql: "SELECT x.id FROM items x JOIN items y ON x.id = y.id WHERE x.d MEANS 'is rare' AND y.c = 1",
    least: `${EVERY} WHERE c = 1`,
  },
  {
    name: 'a CTE',
    sql: `WITH w AS (SELECT * FROM items WHERE c = 3) SELECT id FROM w WHERE ${RARE}`,
    least: `${EVERY} WHERE c = 3`,
  },
  {
    name: 'the select list under a LIMIT',
    sql: `SELECT id, ${RARE} AS r FROM items WHERE c = 1 ORDER BY id DESC LIMIT 10`,
    least:
      'SELECT count(DISTINCT d) FROM (SELECT d FROM items WHERE c = 1 ORDER BY id DESC LIMIT 10)',
  },
  {
    name: 'the same query again',
    sql: `SELECT id FROM items WHERE ${RARE}`,
    first: `SELECT id FROM items WHERE ${RARE}`,
    least: 'SELECT 0',
  },
  {
    name: 'MAP over duplicates',
    sql: "RVBBIT MAP PARALLEL 10 'ask.yaml' USING (SELECT id, d AS question FROM items WHERE d IS NOT NULL)",
    least: EVERY,
  },
  {
    name: 'rvbbit_run over duplicates',
    sql: "SELECT rvbbit_run('ask.yaml', json_object('question', d, 'id', id)) FROM items WHERE d IS NOT NULL",
    least: EVERY,
  },
  {
    name: 'record, ask, rerun',
    isOpen: true,
    sql: `SELECT i.id FROM items i WHERE EXISTS (SELECT 1 FROM items j WHERE j.id = i.id AND i.${COMMON} AND j.${RARE})`,
    least: BOTH,
    most: 'more',
  },
];
