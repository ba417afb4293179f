/** Tables of fifteen texts, some of them NULL, and a model that fails for texts that say so. */
import type { ModelFunction } from '../../src/model/chat.ts';
import { random } from './support.ts';

const ROWS = 15;

/** A table's texts by id. */
export type Texts = readonly (string | null)[];

/** A row of a result: which table, which row of it, and what is said of its text. */
export type Said = readonly [table: number, id: number, answer: boolean | null];

/** Random texts; at least one of them is NULL. */
export function randomTexts(): Texts {
  const texts = Array.from({ length: ROWS }, () => (random(6) === 0 ? null : randomText()));
  texts[random(ROWS)] = null;
  return texts;
}

/** DuckDB keeps a text of at most twelve bytes within its item, and a longer one elsewhere. */
function randomText(): string {
  const word = ['yes', 'no', 'fail'][random(3)]!;
  const end = random(2) === 0 ? '' : ' and some more words';
  return `${word} ${random(40)}${end}`;
}

/** The texts as a relation `(id, x)`. */
export function valuesSql(texts: Texts): string {
  const rows = texts.map((text, id) => `(${id}, ${text === null ? 'NULL' : `'${text}'`})`);
  return `(VALUES ${rows.join(', ')}) AS v(id, x)`;
}

/** What is to be said of a text: nothing of NULL, and `fallback` where the model fails. */
export function answerFor(text: string | null, fallback: boolean | null): boolean | null {
  if (text === null) return null;
  return text.startsWith('fail') ? fallback : text.startsWith('yes');
}

/** Answers what the text says, or fails. A NULL that was asked about would fail as well, and count as the default. */
export const model: ModelFunction = async ({ messages }) => {
  const text = /\[(.*)\]/.exec(String(messages.at(-1)?.content))?.[1] ?? '';
  if (text.startsWith('yes')) return { text: 'true', finishReason: 'stop' };
  if (text.startsWith('no')) return { text: 'false', finishReason: 'stop' };
  if (text.length % 3 === 0) throw new Error('out of order');
  return text.length % 3 === 1
    ? { text: 'perhaps', finishReason: 'stop' }
    : { text: 'tru', finishReason: 'length' };
};

/** A way of asking about a table's texts. */
export interface Form {
  /** A query for `table, id, answer` over a relation with `id` and `x`. */
  sql(table: number, relation: string): string;
  /** Whether a row with this answer is among the result's. */
  keeps(answer: boolean | null): boolean;
}

function form(list: string, rest = '', keeps: Form['keeps'] = () => true): Form {
  return {
    sql: (table, relation) => `SELECT ${table} AS t, id, ${list} AS a FROM ${relation} ${rest}`,
    keeps,
  };
}

/** Forms whose queries may stand in a UNION ALL. */
export const FORMS: readonly Form[] = [
  form("x MEANS 'c'"),
  form("x MEANS 'c'"),
  form("x MEANS 'c' AND x MEANS 'd'"),
  form("CASE WHEN id >= 0 THEN x MEANS 'c' END"),
  form('true', "WHERE x MEANS 'c'", (answer) => answer === true),
  form('false', "WHERE NOT (x MEANS 'c')", (answer) => answer === false),
  form('NULL::BOOLEAN', "WHERE (x MEANS 'c') IS NULL", (answer) => answer === null),
  form("x MEANS 'c'", "WHERE x MEANS 'c' OR x MEANS 'd'", (answer) => answer === true),
];

/** Forms that are planned, or whose many rows are looked up inside DuckDB. */
export const WHOLE_FORMS: readonly Form[] = [
  ...FORMS,
  form("x MEANS 'c'", 'ORDER BY id LIMIT 15'),
  form('true', "WHERE x MEANS 'c' ORDER BY id LIMIT 15", (answer) => answer === true),
];

/** The same over so many rows that the answers are joined: by each look-up alone, and by two in one join. */
export const JOINED_FORMS: readonly Form[] = [
  form("bool_or(x MEANS 'c')", ', range(1400) GROUP BY id'),
  form("bool_or(x MEANS 'c' AND x MEANS 'd')", ', range(1400) GROUP BY id'),
  form('true', ", range(1400) WHERE x MEANS 'c' GROUP BY id", (answer) => answer === true),
];

/** What a form is to give. */
export function expectedOf(
  { keeps }: Form,
  table: number,
  texts: Texts,
  fallback: boolean | null,
): readonly Said[] {
  return texts
    .map((text, id): Said => [table, id, answerFor(text, fallback)])
    .filter(([, , answer]) => keeps(answer));
}
