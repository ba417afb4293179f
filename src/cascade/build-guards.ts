/** Builds the `takes` and `wards` of a cell as workers run them, and checks their code and templates. */
import { buildPrompt, MODEL_KEYS } from './build-prompt.ts';
import type { Cell, Evaluator, Takes, Ward, Wards } from './cascade.ts';
import { checkJsCode } from './check-code.ts';
import { checkSqlTemplate } from './check-sql-template.ts';
import { durationMs } from './duration.ts';
import { templateReferences } from './jinja-names.ts';
import { WARD_PARAMETERS } from './js-function.ts';
import type { ValuePath } from './parse-yaml.ts';
import type { Origin, ReportProblemAt } from './report.ts';
import type { CellFile, WardFile } from './schema.ts';
import { checkTemplate } from './template.ts';

type Check = 'js' | 'sql' | 'cascade';
const CHECKS: readonly Check[] = ['js', 'sql', 'cascade'];

/** Builds the cell's takes. Returns undefined if it has none, or if `report` was told of a problem. */
export function buildTakes(
  file: CellFile,
  kind: Cell['kind'],
  report: ReportProblemAt,
): Takes | undefined {
  const { takes } = file;
  if (takes === undefined) return undefined;
  const { factor, reduce = 'vote', evaluator } = takes;
  if (kind !== 'instructions' && kind !== 'cascade') {
    const why = `a ${kind} cell gives the same each time`;
    report(['takes'], `${why}; takes belongs to a cell that asks a model or runs a cascade`);
    return undefined;
  }
  if (reduce !== 'evaluator') {
    if (evaluator === undefined) return { factor, reduce };
    report(['takes', 'evaluator'], `evaluator belongs to reduce: evaluator, not ${reduce}`);
    return undefined;
  }
  if (evaluator === undefined) {
    report(['takes'], 'reduce: evaluator needs an evaluator with instructions or a cascade');
    return undefined;
  }
  const at: ReportProblemAt = (path, message) => report(['takes', 'evaluator', ...path], message);
  const built = buildEvaluator(evaluator, at);
  return built === undefined ? undefined : { factor, reduce, evaluator: built };
}

function buildEvaluator(
  file: NonNullable<NonNullable<CellFile['takes']>['evaluator']>,
  report: ReportProblemAt,
): Evaluator | undefined {
  const { instructions, system, cascade, timeout } = file;
  if ((instructions === undefined) === (cascade === undefined)) {
    report([], 'an evaluator needs exactly one of instructions and cascade');
    return undefined;
  }
  const limit = timeout === undefined ? {} : { timeoutMs: durationMs(timeout)! };
  if (cascade !== undefined) {
    for (const key of MODEL_KEYS) {
      if (file[key] !== undefined)
        report([key], `${key} belongs to an evaluator with instructions`);
    }
    return { kind: 'cascade', cascade, ...limit };
  }
  const prompt = buildPrompt(file, report);
  const texts = [instructions!, system ?? ''];
  const seesTakes = (text: string): boolean => templateReferences(text).roots.has('takes');
  if (texts.every((text) => checkTemplate(text) === undefined) && !texts.some(seesTakes)) {
    report(['instructions'], 'the model does not see the takes: write {{ takes | tojson }} in it');
  }
  return { kind: 'instructions', ...prompt, ...limit };
}

/** Builds the cell's wards. A list with a ward that could not be built becomes empty; `report` has been told of the problem. */
export function buildWards(
  file: CellFile,
  origin: Origin,
  report: ReportProblemAt,
): Wards | undefined {
  if (file.wards === undefined) return undefined;
  const build = (when: 'pre' | 'post'): readonly Ward[] => {
    const written = file.wards?.[when] ?? [];
    const built = written.flatMap((ward, i) => {
      const place = ['wards', when, i];
      const at: ReportProblemAt = (path, message, code) =>
        report([...place, ...path], message, code);
      const lineOf = (path: ValuePath): number => origin.lineOf([...place, ...path]);
      return buildWard(ward, when, `${when}[${i}]`, { file: origin.file, lineOf }, at) ?? [];
    });
    // In an incomplete list, the wards have other indices, so later problems would be reported at wrong places.
    return built.length === written.length ? built : [];
  };
  return { pre: build('pre'), post: build('post') };
}

function buildWard(
  file: WardFile,
  when: 'pre' | 'post',
  placeName: string,
  origin: Origin,
  report: ReportProblemAt,
): Ward | undefined {
  const { name = placeName, mode = 'blocking', max_attempts: maxAttempts, timeout } = file;
  if (mode === 'retry' && when === 'pre') {
    const why = 'before the cell there is nothing to do again';
    report(['mode'], `mode: retry belongs to wards.post; ${why}: use blocking`);
  }
  if (mode !== 'retry' && maxAttempts !== undefined) {
    report(['max_attempts'], `max_attempts belongs to mode: retry, not ${mode}`);
  }
  const base = {
    name,
    mode,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout)! }),
  };
  const [check, ...more] = CHECKS.filter((key) => file[key] !== undefined);
  if (check === undefined || more.length > 0) {
    report([], 'a ward needs exactly one of js, sql and cascade');
    return undefined;
  }
  const body = file[check]!;
  switch (check) {
    case 'js': {
      const code = { code: body, source: origin.file, firstLine: origin.lineOf(['js']) };
      const problem = checkJsCode(code, WARD_PARAMETERS);
      if (problem !== undefined) report(['js'], problem);
      return { ...base, kind: 'js', ...code };
    }
    case 'sql': {
      const problem = checkSqlTemplate(body);
      if (problem !== undefined) {
        const code = problem.code === 'RVB_TEMPLATE' ? undefined : problem.code;
        report(['sql'], `${problem.message} (line ${problem.line} of the query)`, code);
      } else if (when === 'pre' && templateReferences(body).roots.has('output')) {
        report(['sql'], 'before the cell there is no output; this belongs to wards.post');
      }
      return { ...base, kind: 'sql', query: body };
    }
    case 'cascade':
      return { ...base, kind: 'cascade', cascade: body };
  }
}
