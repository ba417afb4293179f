import type { Annotation } from './ast.ts';
import { didYouMean, type Problem, shown } from './diagnostics.ts';
import { BARE_PARALLEL } from './limits.ts';
import { OPTIONS } from './options.ts';
import { isLineBreak, isSpace, skipTrivia } from './scan.ts';
import { nearestSpelling } from './spelling.ts';
import { type SettingValue, specFor, textValue, type ValueSpec } from './value-spec.ts';

/** The definition of one annotation: a key of a `-- @ key: value` line. */
export interface AnnotationSpec {
  readonly key: string;
  readonly meaning: string;
  /** A valid value, as a user writes it. */
  readonly example: string;
  readonly takes: ValueSpec;
  /** The value of an annotation that is written without a value; undefined if a value is required. */
  readonly bare?: SettingValue;
}

const TEXT: ValueSpec = { kinds: ['string'] };

const TABLE: readonly AnnotationSpec[] = [
  {
    ...asOption('parallel', 'Calls in flight at most; 10 where no number is given.', '5'),
    bare: BARE_PARALLEL,
  },
  asOption('batch', 'Rows in one model call at most.', '20'),
  asOption('model', 'Model to ask.', 'openai/gpt-4o-mini'),
  {
    key: 'threshold',
    meaning: 'Score from which a match counts, 0 to 1.',
    example: '0.7',
    takes: { kinds: ['number'], min: 0, max: 1 },
  },
  asOption('temperature', "Temperature in place of the cascades'.", '0.2'),
  asOption('top_p', "Nucleus sampling in place of the cascades'.", '0.9'),
  asOption('reasoning_effort', 'How much the model reasons.', 'low'),
  asOption('max_cost', 'Dollars that the statement may spend.', '0.50'),
  asOption('max_calls', 'Model calls that the statement may make.', '500'),
  asOption('max_pairs', 'Pairs that a semantic join may ask.', '100000'),
  asOption('on_error', 'What a failed answer becomes.', 'null'),
  asOption('cache', 'Whether answers of earlier statements are used.', 'false'),
  asOption('strategy', 'How the rows are run.', 'auto'),
  asOption('timeout', 'Time for one run.', '30s'),
  { key: 'join', meaning: 'How a semantic join pairs rows.', example: 'auto', takes: TEXT },
  { key: 'prompt', meaning: 'Goes into the prompt.', example: 'Be strict.', takes: TEXT },
];

/** Returns an annotation that accepts the same values as the WITH option of the same name. */
function asOption(key: string, meaning: string, example: string): AnnotationSpec {
  return { key, meaning, example, takes: OPTIONS.get(key)! };
}

/** Every known annotation by its key. */
export const ANNOTATIONS: ReadonlyMap<string, AnnotationSpec> = new Map(
  TABLE.map((spec) => [spec.key, Object.freeze(spec)]),
);

/** Matches `-- @ key: value`. All text before the colon is the key, known or not. */
const LINE = /^--[ \t]*@[ \t]*([^:]+)(?::([\s\S]*))?$/;

/** True if only white space stands before the offset on its line. */
function opensLine(source: string, at: number): boolean {
  let code = source.charCodeAt(at - 1);
  while (at > 0 && isSpace(code) && !isLineBreak(code)) code = source.charCodeAt(--at - 1);
  return at === 0 || isLineBreak(code);
}

/** Reads the `-- @ key: value` lines from `start` to the statement at `end`, in source order. Keys may be unknown. */
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

/** Returns the problems of a statement's annotations. `verb` says which of MAP and RUN the statement holds, if any. */
export function checkAnnotations(
  annotations: readonly Annotation[],
  verb?: 'map' | 'run',
): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, SettingValue | undefined>();
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
    if (verb !== undefined && OPTIONS.get(key)?.appliesTo.includes(verb) === false) {
      const message = `The annotation ${key} belongs to RVBBIT ${verb === 'run' ? 'MAP' : 'RUN'}.`;
      problems.push({ code: 'RVB_UNKNOWN_OPTION', message, span });
      continue;
    }
    const taken = value === undefined ? spec.bare : textValue(specFor(spec.takes, verb), value);
    if (taken === undefined) {
      problems.push({
        code: 'RVB_OPTION_TYPE',
        message: `${value === undefined ? 'No value' : shown(value)} is not right for the annotation ${key}; write, for example, -- @ ${key}: ${spec.example}`,
        span,
      });
    }
    if (seen.has(key) && seen.get(key) !== taken) {
      problems.push({
        code: 'RVB_SYNTAX',
        message: `The annotation ${key} stands twice with different values.`,
        span,
      });
    }
    seen.set(key, taken);
  }
  return problems;
}
