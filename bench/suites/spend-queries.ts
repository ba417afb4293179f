/** The statements of the suite `spend`. Plain SQL gives the least number of calls that can answer each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { shapesRoot } from '../fixture-root.ts';

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

/** The same questions about other texts, from which EXPLAIN learns. No answer to a question about `items` is stored by them. */
export const HISTORY = [
  "SELECT count(*) FROM past WHERE d MEANS 'is rare'",
  "SELECT count(*) FROM past WHERE d IMPLIES 'is common'",
];

export const QUERIES = parse(
  readFileSync(join(shapesRoot, 'spend-queries.yaml'), 'utf8'),
) as readonly SpendQuery[];
