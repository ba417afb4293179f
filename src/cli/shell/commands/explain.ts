import { renderReport } from '../../../explain/report/render-report.ts';
import { CliError } from '../../exit-codes.ts';
import { bindParams } from '../../params.ts';
import { visibleLines } from '../../text/escape.ts';
import type { ShellCommand } from '../command.ts';

/** `.explain`: shows what a statement would do. */
export const explain: ShellCommand = {
  names: ['.explain'],
  usage: '[STATEMENT]',
  help: 'what a statement would do and cost; without one, the last statement',
  async run(shell, argument) {
    const sql = argument === '' ? shell.lastStatement : argument;
    if (sql === undefined) {
      const hint = '.explain SELECT …, on one line; or EXPLAIN before a statement of several lines';
      throw new CliError('usage', 'there is no statement yet', hint);
    }
    const params = bindParams(sql, shell.params);
    const report = await shell.workspace.engine.explain(sql, params, { origin: 'cli' });
    await shell.write(`${visibleLines(renderReport(report, 'text').join('\n'))}\n`);
  },
};
