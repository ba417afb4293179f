import type { Annotation } from './ast.ts';
import { didYouMean, type Problem, shown } from './diagnostics.ts';
import { MAX_PARALLEL } from './limits.ts';
import { parseDurationMs } from './options.ts';
import { skipTrivia } from './scan.ts';
import { nearestSpelling } from './spelling.ts';

/** One key of a `-- @ key: value` line. */
export interface AnnotationSpec {
  readonly key: string;
  readonly meaning: string;
  /** A value that is right, as it is written. */
  readonly example: string;
  readonly accepts: (value: string) => boolean;
  /** May stand without a value. */
  readonly bare?: boolean;
}

const isCount = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  return (value: string) => /^[0-9]+$/.test(value) && +value >= least && +value <= most;
};
const isAmount = (most: number) => {
  return (value: string) => /^([0-9]+(\.[0-9]*)?|\.[0-9]+)$/.test(value) && +value <= most;
};
const isOneOf = (...words: string[]) => {
  return (value: string) => words.includes(value.toLowerCase());
};
const isText = (value: string) => value !== '';
const isDuration = (value: string) => parseDurationMs(value) !== undefined;

const TABLE: readonly AnnotationSpec[] = [
  {
    key: 'parallel',
    meaning: 'Calls in flight at most; 10 where no number is given.',
    example: '5',
    accepts: isCount(1, MAX_PARALLEL),
    bare: true,
  },
  {
    key: 'batch',
    meaning: 'Rows in one model call at most.',
    example: '20',
    accepts: (value) => isCount(1)(value) || isOneOf('auto')(value),
  },
  { key: 'model', meaning: 'Model to ask.', example: 'openai/gpt-4o-mini', accepts: isText },
  {
    key: 'threshold',
    meaning: 'Score from which a match counts, 0 to 1.',
    example: '0.7',
    accepts: isAmount(1),
  },
  {
    key: 'max_cost',
    meaning: 'Dollars that the statement may spend.',
    example: '0.50',
    accepts: isAmount(Number.MAX_VALUE),
  },
  {
    key: 'max_calls',
    meaning: 'Model calls that the statement may make.',
    example: '500',
    accepts: isCount(0),
  },
  {
    key: 'max_pairs',
    meaning: 'Pairs that a semantic join may ask.',
    example: '100000',
    accepts: isCount(0),
  },
  {
    key: 'on_error',
    meaning: 'What a failed answer becomes.',
    example: 'null',
    accepts: (value) => isOneOf('null', 'fail', 'skip')(value) || /^default:/i.test(value),
  },
  {
    key: 'cache',
    meaning: 'Whether answers of earlier statements are used.',
    example: 'false',
    accepts: (value) => isOneOf('true', 'false', 'refresh')(value) || isDuration(value),
  },
  {
    key: 'strategy',
    meaning: 'How the rows are run.',
    example: 'auto',
    accepts: isOneOf('auto', 'batch', 'sequential', 'union_all'),
  },
  { key: 'timeout', meaning: 'Time for one run.', example: '30s', accepts: isDuration },
  { key: 'join', meaning: 'How a semantic join pairs rows.', example: 'auto', accepts: isText },
  { key: 'prompt', meaning: 'Goes into the prompt.', example: 'Be strict.', accepts: isText },
];

/** Every key of a `-- @` line. */
export const ANNOTATIONS: ReadonlyMap<string, AnnotationSpec> = new Map(
  TABLE.map((spec) => [spec.key, Object.freeze(spec)]),
);

/** `-- @ key: value`; what stands before the colon is the key, whatever it is. */
const LINE = /^--[ \t]*@[ \t]*([^:]+)(?::([\s\S]*))?$/;

/** Whether nothing but blanks stands before the offset on its line. */
function opensLine(source: string, at: number): boolean {
  while (at > 0 && /[ \t\f\v\ufeff]/.test(source[at - 1]!)) at--;
  return at === 0 || source[at - 1] === '\n' || source[at - 1] === '\r';
}

/** The `-- @ key: value` lines between `start` and the statement at `end`, known keys or not, in order. */
export function readAnnotations(source: string, start: number, end: number): readonly Annotation[] {
  const annotations: Annotation[] = [];
  skipTrivia(source, start, end, (from, to) => {
    const match = LINE.exec(source.slice(from, to));
    if (match === null || !opensLine(source, from)) return;
    const key = match[1]!.trim().toLowerCase();
    const value = match[2]?.trim() ?? '';
    if (key === '') return;
    annotations.push(
      Object.freeze({
        kind: 'Annotation',
        key,
        ...(value === '' ? {} : { value }),
        span: Object.freeze({ start: from, end: to }),
      }),
    );
  });
  return Object.freeze(annotations);
}

/** What is wrong with the annotations of a statement that holds dialect. */
export function checkAnnotations(annotations: readonly Annotation[]): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, string | undefined>();
  for (const { key, value, span } of annotations) {
    const spec = ANNOTATIONS.get(key);
    if (spec === undefined) {
      const [word = '', ...rest] = key.split(/\s+/, 2);
      const colonMissing = ANNOTATIONS.has(word) && rest.length > 0;
      const suggestion = colonMissing
        ? `${word}: ${shown(rest.join(' '))}`
        : nearestSpelling(key, ANNOTATIONS.keys());
      problems.push({
        code: 'RVB_UNKNOWN_OPTION',
        message: `There is no annotation called "${shown(key)}".${didYouMean(suggestion)}`,
        span,
        expected: [...ANNOTATIONS.keys()],
        suggestion,
      });
      continue;
    }
    if (value === undefined ? spec.bare !== true : !spec.accepts(value)) {
      problems.push({
        code: 'RVB_OPTION_TYPE',
        message: `${value === undefined ? 'No value' : shown(value)} is not right for the annotation ${key}; write, for example, -- @ ${key}: ${spec.example}`,
        span,
      });
    }
    if (seen.has(key) && seen.get(key) !== value) {
      problems.push({
        code: 'RVB_SYNTAX',
        message: `The annotation ${key} stands twice with different values.`,
        span,
      });
    }
    seen.set(key, value);
  }
  return problems;
}
