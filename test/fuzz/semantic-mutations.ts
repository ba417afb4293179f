/** DuckDB statements, and edits that splice keywords, operators and quotes into them. */

export const STATEMENTS: readonly string[] = [
  "SELECT a, b AS means FROM t WHERE a = 'x' AND b LIKE '%y' ORDER BY 1 LIMIT 3",
  'SELECT ask.about FROM means ask JOIN about ON ask.id = about.id WHERE ask.n > 1.5e3',
  "INSERT INTO t (a, b) VALUES ('it''s', $1), (E'\\n', $tag$a MEANS 'b'$tag$)",
  'CREATE TABLE matches AS SELECT *, row_number() OVER (PARTITION BY a ORDER BY b) AS r FROM t',
  "UPDATE t SET a = b || 'x', n = n + 1 WHERE j->>'k' = 'v' AND l[1:2] = [1, 2]",
  'DELETE FROM t USING u WHERE t.id = u.id AND NOT u.means RETURNING t.id',
  'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r',
  "SELECT list_filter([1, 2], x -> x > 1), list_transform(l, lambda y: y * 2), {'a': 1}.a FROM t",
  "SELECT CASE WHEN a IS NULL THEN DATE '2020-01-01' ELSE CAST(b AS DATE) END FROM t /* MEANS */ -- ASK",
  'PIVOT t ON a USING sum(n) GROUP BY b',
  'FROM t SELECT a, count(*) FILTER (WHERE n > 1) GROUP BY ALL HAVING count(*) > 2 QUALIFY true',
  "COPY (SELECT a FROM t) TO 'x.csv' (HEADER, DELIMITER ',')",
  'EXPLAIN ANALYZE SELECT a NOT IN (SELECT b FROM u) FROM t',
];
const SPLICES = [
  'MEANS',
  'NOT MEANS',
  'ABOUT',
  'ALIGNS WITH',
  'RELEVANCE TO',
  'TRANSLATED TO',
  'ASK',
  'means',
  'semantic_means(',
  'quality(a)',
  "'x'",
  "'",
  '"',
  '$$',
  '(',
  ')',
  ',',
  ';',
  '||',
  '->',
  '::',
  '--',
  '/*',
  '*/',
  'a',
  '1',
  'AND',
  'NOT',
  'CASE',
  'END',
  'WHERE',
  'FROM',
  'SELECT',
  '\n',
  '\u00a0',
  '\u{1d4b3}',
  '~@~',
  '$1',
  '?',
  '[',
  '}',
  'ä',
  "E'",
  'AS',
  'TO',
  'WITH',
  "a MEANS 'x'",
  'a NOT MATCHES (b)',
];

/** Whole numbers below a bound, from a seed. */
export function randomBelow(from: number): (below: number) => number {
  let state = from >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The statement after one to three edits. */
export function mutated(statement: string, random: (below: number) => number): string {
  let text = statement;
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const at = random(text.length + 1);
    const splice = SPLICES[random(SPLICES.length)]!;
    switch (random(4)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + 1 + random(6));
        break;
      case 1: {
        // Between two words, where an operator may stand.
        const space = text.indexOf(' ', at);
        const place = space < 0 ? at : space;
        text = `${text.slice(0, place)} ${splice} ${text.slice(place + 1)}`;
        break;
      }
      case 2:
        text = text.replace(/ = | LIKE | > /, ` ${SPLICES[random(8)]} `);
        break;
      default:
        text = text.slice(0, at) + splice + text.slice(at);
    }
  }
  return text;
}
