/** `rvbbit explain`: what a MAP or RUN would do. */
import type { ExplainReport } from '../../result.ts';
import { CliError, exitCodeOf, verdictOf } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { bindParams, checkParamsUsed, readParams } from '../params.ts';
import { reportError } from '../report.ts';
import { readScript, type ScriptInput } from '../script.ts';
import { openEngine } from '../session.ts';
import { watchInterrupts } from '../signals.ts';

/** Explains one statement, as text or JSON. Gives the exit code. */
export async function explain(words: readonly string[], options: CliOptions): Promise<number> {
  const typed = words.map((text): ScriptInput => ({ kind: 'sql', text }));
  const [statement, ...more] = await readScript([...options.inputs, ...typed]);
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
    // The table of options allows `text` and `json` here.
    const asJson = options.format === 'json';
    process.stdout.write(asJson ? `${JSON.stringify(report, null, 2)}\n` : explainText(report));
    return 0;
  } catch (thrown) {
    if (interrupts.interrupted) return exitCodeOf(['interrupted']);
    reportError(thrown, statement);
    return exitCodeOf([verdictOf(thrown)]);
  } finally {
    await engine.close();
    interrupts.close();
  }
}

/** The report in words, a figure a line. */
export function explainText(report: ExplainReport): string {
  const { limit, runs, parallel } = report;
  const source = {
    default: 'by default',
    option: 'by the `limit` option',
    query: "the query's own",
  };
  const bound = limit.rows === null ? 'no limit' : `limit ${limit.rows}, ${source[limit.source]}`;
  const lines: [string, string][] = [
    ['rows', `${report.rows} (${bound}${report.cut ? '; there are more, which are cut off' : ''})`],
    ['deduped', String(report.deduped)],
    ['distinct inputs', String(report.distinctInputs)],
    ['runs', `${runs}, ${parallel === 1 ? 'one' : parallel} at a time`],
    ['strategy', report.strategy],
    ['input columns', report.inputColumns.join(', ') || 'none'],
  ];
  return [
    `${report.statement.toUpperCase()} ${report.cascade}`,
    ...lines.map(([name, value]) => `  ${name.padEnd(16)} ${value}`),
    '  SQL sent to DuckDB',
    ...report.sql.flatMap((sql) => sql.split('\n').map((line) => `    ${line}`)),
    '',
  ].join('\n');
}
