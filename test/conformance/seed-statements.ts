/** The SQL statements of the notes in `seeds/`, and those that cannot run. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The code that a statement fails with, words of the message, and the reason. */
export type Listed = readonly [code: string, message: string, reason: string];

const SKETCH = 'a sketch with a placeholder or an ellipsis in it';
const MYSQL = 'a statement of MySQL, about another product';
/** The ellipsis of a sketch. With a query in its place the statement runs. */
export const ELLIPSIS = '(...)';

/** A statement that runs must not stand here, and one that does not must. */
export const NOT_RUNNING: Readonly<Record<string, Listed>> = {
  '001.1': ['RVB_SYNTAX', '<max_workers> is a placeholder', SKETCH],
  '001.11': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '001.12': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '001.13': ['RVB_SQL', 'syntax error at or near ".', SKETCH],
  '002.3': [
    'RVB_SQL',
    'Table Function with name semantic_batch_matches does not exist',
    'a sketch: the function takes and gives a JSON list, and no table',
  ],
  '002.5': [
    'RVB_SQL',
    'Table function cannot contain subqueries',
    'read_json_auto reads files; unnest(from_json(…)) takes the list',
  ],
  '003.1': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.3': ['RVB_SQL', 'FROM duckdb_extensions()', MYSQL],
  '003.4': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.6': ['RVB_SQL', 'WITH (strategy = …)', MYSQL],
  '003.7': ['RVB_SQL', 'write EXPLAIN (FORMAT TREE)', MYSQL],
  '004.8': [
    'RVB_SQL',
    'column "i" not found',
    'range() has no column i: the seed needs range(20) AS r(i)',
  ],
};

/** A statement with its number in its file, and the block that it stands in. */
export interface SeedStatement {
  readonly id: string;
  readonly sql: string;
  readonly block: string;
}

const FENCE = /^ *```(\w*)\n(.*?)^ *```/gms;
const COMMENTS = String.raw`(?:\s*--[^\n]*\n)*`;
const STATEMENT = new RegExp(
  `^${COMMENTS}\\s*\\(?(?:RVBBIT|SELECT|WITH|SET|SHOW|EXPLAIN|CREATE|INSERT)\\b`,
);

/** The SQL of a block: all of it, the lines that are SQL in a program or at a prompt, or what `mysql -e` is given. */
function sqlIn(language: string, block: string): readonly string[] {
  if (language === 'sql') return [block];
  if (language !== 'python' && language !== 'bash') return [];
  const given = [...block.matchAll(/ -e "([^"]*)"/g)].map((found) => found[1]!);
  if (given.length > 0) return given;
  const lines = block.split('\n').map((line) => line.replace(/^> /, ''));
  const isSql = (line: string) => /^(?:\(?SELECT|UNION ALL|-- @)/.test(line);
  return [lines.map((line) => (isSql(line) ? line : '')).join('\n')];
}

/** The statements of a text, as they stand: they end with `;`, or before an empty line. */
function statementsOf(text: string): readonly string[] {
  return text
    .split(/\n\s*\n/)
    .flatMap((paragraph) => paragraph.split(/(?<=;)[^\S\n]*(?:--[^\n]*)?(?:\n|$)/))
    .map((statement) => statement.trim())
    .filter((statement) => STATEMENT.test(statement));
}

function statementsOfSeed(seed: string): readonly SeedStatement[] {
  const text = readFileSync(`${root}test/conformance/seeds/${seed}.txt`, 'utf8');
  const blocks = [...text.matchAll(FENCE)];
  const found = blocks.flatMap(([, language = '', block = '']) =>
    sqlIn(language, block).flatMap((sql) => statementsOf(sql).map((one) => ({ sql: one, block }))),
  );
  return found.map((one, at) => ({ ...one, id: `${seed}.${at + 1}` }));
}

/** All statements, in the order of the notes. */
export const seedStatements: readonly SeedStatement[] = ['000', '001', '002', '003', '004'].flatMap(
  statementsOfSeed,
);
