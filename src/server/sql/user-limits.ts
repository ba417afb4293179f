/** Counts the statements of a user, who may run so many at a time as the users file says. */
import type { UserAccount } from '../access/users.ts';
import type { Command } from './command.ts';

/** Returns the command of a statement that counts from its start until its portal ends, which aborts its signal. */
export function counted(command: Command, account: UserAccount | undefined): Command {
  if (account === undefined) return command;
  return {
    ...command,
    async run(parameters, signal) {
      const end = account.beginStatement();
      signal.addEventListener('abort', end, { once: true });
      try {
        return await command.run(parameters, signal);
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
  };
}
