/** `rvbbit explain`: shows what a statement would do. */
import { renderReport } from '../../explain/report/render-report.ts';
import type { ExplainReport } from '../../result.ts';
import { CliError, type ExitCause, exitCodeOf, verdictOf } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { bindParams, checkParamsUsed, readParams } from '../params.ts';
import { reportError } from '../report.ts';
import { readScript, type ScriptInput, statementsOnly } from '../script.ts';
import { openEngine } from '../session.ts';
import { watchInterrupts } from '../signals.ts';

/** Explains one statement, as text or JSON. Returns the exit code. */
export async function explain(words: readonly string[], options: CliOptions): Promise<number> {
  const file = words.find((word) => /^\S+\.sql$/i.test(word));
  if (file !== undefined) {
    throw new CliError('usage', `'${file}' stands where the SQL goes`, `did you mean -f ${file}?`);
  }
  const typed = words.map((text): ScriptInput => ({ kind: 'sql', text }));
  const parts = await readScript([...options.inputs, ...typed]);
  const [statement, ...more] = statementsOnly(parts, 'explain');
  if (statement === undefined || more.length > 0) {
    const found = statement === undefined ? 'none' : `${more.length + 1}`;
    throw new CliError(
      'usage',
      `explain takes one statement, and there ${found === 'none' ? 'is none' : `are ${found}`}`,
      'in a script, write EXPLAIN before the statement and run the script',
    );
  }
  const params = readParams(options.param);
  checkParamsUsed([statement.sql], params);
  const engine = await openEngine(options, options.database ?? ':memory:');
  const interrupts = watchInterrupts();
  try {
    const report = await engine.explain(statement.sql, bindParams(statement.sql, params), {
      signal: interrupts.signal,
      origin: 'cli',
    });
    process.stdout.write(`${linesOf(report, options.format).join('\n')}\n`);
    return exitCodeOf(verdictsOfAnalyze(report));
  } catch (thrown) {
    if (interrupts.interrupted) return exitCodeOf(['interrupted']);
    reportError(thrown, statement);
    return exitCodeOf([verdictOf(thrown)]);
  } finally {
    await engine.close();
    interrupts.close();
  }
}

/** Returns the verdicts on the statement that an EXPLAIN ANALYZE has run. */
function verdictsOfAnalyze({ actual }: ExplainReport): ExitCause[] {
  if (actual === undefined) return [];
  const verdicts: ExitCause[] = actual.failed > 0 ? ['rows'] : [];
  return actual.status === 'incomplete' ? [...verdicts, 'budget'] : verdicts;
}

/** Returns the lines of a report. The table of options allows only the formats `text`, `tree` and `json` here. */
function linesOf(report: ExplainReport, format: string | undefined): readonly string[] {
  if (format === 'json') return [JSON.stringify(report, null, 2)];
  return renderReport(report, format === 'tree' ? 'tree' : 'text');
}
