import type { Option } from './ast.ts';
import type { CstNode } from './chevrotain.ts';
import { didYouMean, either, type Problem, shown } from './diagnostics.ts';
import { identifierOf, nodeOf, nodeSpan, numberOf, stringOf, tokenOf, tokenSpan } from './nodes.ts';
import { OPTIONS, type OptionSpec } from './options.ts';
import { quoteString } from './quotes.ts';
import { nearestSpelling } from './spelling.ts';
import { literalValue, specFor, type ValueSpec } from './value-spec.ts';

/** Describes in words the values that a key accepts. */
function accepted(spec: ValueSpec): string {
  const { kinds, values, prefix, min, max } = spec;
  const words: string[] = [];
  const least =
    min === undefined ? '' : max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
  if (kinds.includes('integer')) words.push(`a whole number${least}`);
  if (kinds.includes('number')) words.push(`a number${least}`);
  if (kinds.includes('boolean')) words.push('true', 'false');
  if (kinds.includes('string'))
    words.push(...(values?.map(quoteString) ?? ['a string that is not empty']));
  if (prefix !== undefined) words.push(quoteString(`${prefix}…`));
  if (kinds.includes('duration')) words.push('a duration (500ms 30s 5m 2h 1d, or seconds)');
  return either(words);
}

function typeProblem(
  { key, example }: OptionSpec,
  spec: ValueSpec,
  written: string,
  span: Problem['span'],
  value?: string,
): Problem {
  const near = value === undefined ? undefined : nearestSpelling(value, spec.values ?? []);
  const suggestion = near && quoteString(near);
  return {
    code: 'RVB_OPTION_TYPE',
    message: `${key} takes ${accepted(spec)}, but ${written} stands here; write, for example, ${key} = ${example}.${didYouMean(suggestion)}`,
    span,
    expected: [accepted(spec)],
    suggestion,
  };
}

/** Builds the option of a `key = value` pair and reports its problems. Undefined if the value is not a literal. */
export function optionOf(
  pair: CstNode,
  verb: 'map' | 'run',
  problems: Problem[],
): Option | undefined {
  const written = identifierOf(nodeOf(pair, 'name')!);
  const key = Object.freeze({ ...written, value: written.value.toLowerCase() });
  const assignment = tokenOf(pair, 'NotEquals');
  if (assignment !== undefined) {
    problems.push({
      code: 'RVB_SYNTAX',
      message: `Options are written ${shown(key.value)} = value, not with ${assignment.image}.`,
      span: tokenSpan(assignment),
      expected: ['='],
      suggestion: '=',
    });
  }
  const spec = OPTIONS.get(key.value);
  if (spec === undefined) {
    const suggestion = nearestSpelling(key.value, OPTIONS.keys());
    problems.push({
      code: 'RVB_UNKNOWN_OPTION',
      message: `There is no option called ${shown(written.value)}.${didYouMean(suggestion)}`,
      span: key.span,
      expected: [...OPTIONS.keys()],
      suggestion,
    });
  }
  const takes = spec && specFor(spec, verb);
  const word = tokenOf(pair, 'word');
  const value = writtenValue(pair);
  if (value === undefined) {
    const quoted = quoteString(word?.image ?? '');
    problems.push(
      spec === undefined || takes === undefined
        ? {
            code: 'RVB_OPTION_TYPE',
            message: `A value is a string in quotes, a number, true or false; ${shown(word?.image ?? '')} is a name. Write ${shown(quoted)}.`,
            span: tokenSpan(word!),
            suggestion: quoted,
          }
        : typeProblem(spec, takes, shown(word?.image ?? ''), tokenSpan(word!), word?.image ?? ''),
    );
    return undefined;
  }
  if (spec !== undefined && takes !== undefined && literalValue(takes, value) === undefined) {
    const literal = String(value.kind === 'StringLiteral' ? quoteString(value.value) : value.value);
    const text = value.kind === 'StringLiteral' ? value.value : undefined;
    problems.push(typeProblem(spec, takes, shown(literal), value.span, text));
  }
  return Object.freeze({ kind: 'Option', key, value, span: nodeSpan(pair) });
}

function writtenValue(pair: CstNode): Option['value'] | undefined {
  const string = tokenOf(pair, 'String');
  if (string !== undefined) return stringOf(string);
  const number = tokenOf(pair, 'Number');
  if (number !== undefined) return numberOf(number, tokenOf(pair, 'Minus'));
  const word = tokenOf(pair, 'word')!;
  const text = word.image.toLowerCase();
  if (text !== 'true' && text !== 'false') return undefined;
  return Object.freeze({ kind: 'BooleanLiteral', value: text === 'true', span: tokenSpan(word) });
}
