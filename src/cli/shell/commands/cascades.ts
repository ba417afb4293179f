import { findCascades } from '../../../cascade/find-cascades.ts';
import { messageOf } from '../../../errors.ts';
import { CliError } from '../../exit-codes.ts';
import { cascadeRoots } from '../../session.ts';
import { onlyWord } from '../arguments.ts';
import type { ShellCommand } from '../command.ts';

const COLUMNS = { cascade: 'VARCHAR', inputs: 'VARCHAR', description: 'VARCHAR' };

/** `.cascades`: lists the cascades. */
export const cascades: ShellCommand = {
  names: ['.cascades'],
  usage: '[PART]',
  help: 'the cascades under the cascade roots, with what they read; PART of a name',
  async run(shell, argument) {
    const part = onlyWord(argument, '.cascades [PART]') ?? '';
    const paths = await findCascades(await cascadeRoots(shell.options));
    const found = paths.filter((path) => path.includes(part));
    if (found.length === 0 && part !== '') {
      throw new CliError('usage', `no cascade has ${part} in its name`, '.cascades lists them');
    }
    const rows = [];
    for (const path of found) rows.push(await describe(path));
    await shell.print(COLUMNS, rows);

    async function describe(cascade: string) {
      try {
        const { inputColumns, description = null } =
          await shell.workspace.engine.loadCascade(cascade);
        const inputs = inputColumns === 'all' ? 'all columns' : inputColumns.join(', ');
        return { cascade, inputs, description };
      } catch (thrown) {
        const [line = ''] = messageOf(thrown).split('\n');
        return { cascade, inputs: null, description: `broken: ${line}` };
      }
    }
  },
};
