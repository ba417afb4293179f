/** `rvbbit user`: adds, lists and removes the users of a server. */
import {
  type Role,
  readUsers,
  removeUser,
  USERS_FILE,
  writeUser,
} from '../../server/access/users-file.ts';
import { makeVerifier, verifierText } from '../../server/access/verifier.ts';
import { CliError, noAction, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { refuseOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { say } from '../stderr.ts';
import { readPassword } from '../text/read-password.ts';

const USAGE = 'rvbbit user add|remove <name>, or user list';

/** Runs `add`, `list` or `remove`. Returns the exit code. */
export async function user(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, name, ...more] = words;
  const path = options.users ?? USERS_FILE;
  refuseWord(action === 'list' ? name : more[0], USAGE);
  if (action === 'list') {
    refuseOptions('user', 'list', options, ['role', 'maxCost', 'maxRows', 'maxStatements']);
    return list(path, options);
  }
  if (action !== 'add' && action !== 'remove') throw noAction('user', action, USAGE);
  if (name === undefined) throw new CliError('usage', `user ${action} needs a name`, USAGE);
  if (action === 'add') {
    refuseOptions('user', 'add', options, ['format']);
    return add(path, name, options);
  }
  refuseOptions('user', 'remove', options, [
    'format',
    'role',
    'maxCost',
    'maxRows',
    'maxStatements',
  ]);
  if (!(await removeUser(path, name))) {
    throw new CliError('open', `${path} has no user ${name}`, `rvbbit user list --users ${path}`);
  }
  if (!options.quiet) say(`removed ${name} from ${path}; connections that are open stay`);
  return 0;
}

async function add(path: string, name: string, options: CliOptions): Promise<number> {
  const password = await readPassword(`password for ${name}: `);
  if (password === '')
    throw new CliError('usage', 'the password is empty', 'type one, or pipe it in');
  const isNew = await writeUser(path, name, {
    verifier: verifierText(await makeVerifier(password)),
    role: options.role as Role | undefined,
    limits: {
      statements: options.maxStatements,
      rows: options.maxRows,
      cost_per_day: options.maxCost,
    },
  });
  if (!options.quiet) say(`${isNew ? 'added' : 'changed'} ${name} in ${path}`);
  return 0;
}

async function list(path: string, options: CliOptions): Promise<number> {
  const { users } = await readUsers(path);
  const rows = [...users.values()].map(({ name, role, limits }) => ({
    name,
    role,
    max_statements: limits.statements ?? null,
    max_rows: limits.rows ?? null,
    max_cost_per_day: limits.cost_per_day ?? null,
  }));
  const columns = {
    name: 'VARCHAR',
    role: 'VARCHAR',
    max_statements: 'INTEGER',
    max_rows: 'BIGINT',
    max_cost_per_day: 'DOUBLE',
  };
  await printRows(columns, rows, options);
  return 0;
}
