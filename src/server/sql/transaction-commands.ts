/** BEGIN, COMMIT, ROLLBACK, savepoints, and SET TRANSACTION. */
import type { Client } from './client.ts';
import { type Command, doneWith, knownCommand } from './command.ts';
import { unsupported } from './protocol-error.ts';
import type { Words } from './words.ts';

/** The modes that a transaction is begun with. */
interface Modes {
  readonly isReadOnly: boolean | undefined;
  readonly isSerializable: boolean;
}

export function transactionCommand(words: Words, client: Client): Command | undefined {
  const verb = words.takeOneOf([
    'BEGIN',
    'START',
    'COMMIT',
    'END',
    'ROLLBACK',
    'ABORT',
    'SAVEPOINT',
    'RELEASE',
    'SET',
  ]);
  switch (verb) {
    case 'BEGIN':
    case 'START': {
      if (verb === 'START' && words.next !== 'TRANSACTION') return undefined;
      words.takeOneOf(['WORK', 'TRANSACTION']);
      return knownCommand([], () => begin(verb, words, client), 'begin');
    }
    case 'COMMIT':
    case 'END':
      return endCommand('COMMIT', words, client);
    case 'ROLLBACK':
    case 'ABORT': {
      words.takeOneOf(['WORK', 'TRANSACTION']);
      if (!words.take('TO')) return endCommand('ROLLBACK', words, client);
      words.take('SAVEPOINT');
      const name = words.name();
      return knownCommand(
        [],
        async () => {
          words.end();
          await client.rollbackTo(name);
          return doneWith('ROLLBACK');
        },
        'end',
      );
    }
    case 'SAVEPOINT':
    case 'RELEASE': {
      if (verb === 'RELEASE') words.take('SAVEPOINT');
      return knownCommand([], () => {
        const name = words.name();
        words.end();
        if (verb === 'SAVEPOINT') client.savepoint(name);
        else client.release(name);
        return doneWith(verb);
      });
    }
    case 'SET':
      return setTransaction(words, client);
    default:
      return undefined;
  }
}

async function begin(verb: string, words: Words, client: Client) {
  const modes = readModes(words);
  await client.begin(modes.isReadOnly);
  tellOfSerializable(modes, client);
  return doneWith(verb === 'START' ? 'START TRANSACTION' : 'BEGIN');
}

function endCommand(how: 'COMMIT' | 'ROLLBACK', words: Words, client: Client): Command {
  words.takeOneOf(['WORK', 'TRANSACTION']);
  return knownCommand(
    [],
    async () => {
      if (words.take('AND', 'NO', 'CHAIN') || words.isOver) return doneWith(await client.end(how));
      throw unsupported(`${how} ${words.rest()} is not supported: send ${how} alone`);
    },
    'end',
  );
}

/** SET TRANSACTION and SET SESSION CHARACTERISTICS AS TRANSACTION. */
function setTransaction(words: Words, client: Client): Command | undefined {
  const isSession = words.take('SESSION', 'CHARACTERISTICS', 'AS', 'TRANSACTION');
  if (!isSession) {
    words.take('LOCAL');
    if (!words.take('TRANSACTION')) return undefined;
  }
  return knownCommand([], async () => {
    const modes = readModes(words);
    if (!isSession) {
      if (modes.isReadOnly !== undefined) await client.setReadOnly(modes.isReadOnly);
    } else if (modes.isReadOnly !== undefined) {
      await client.set('default_transaction_read_only', modes.isReadOnly ? 'on' : 'off');
    }
    tellOfSerializable(modes, client);
    return doneWith('SET');
  });
}

/** Reads the modes up to the end of the text. */
function readModes(words: Words): Modes {
  let isReadOnly: boolean | undefined;
  let isSerializable = false;
  while (!words.isOver) {
    words.takeSign(',');
    if (words.take('READ', 'ONLY')) isReadOnly = true;
    else if (words.take('READ', 'WRITE')) isReadOnly = false;
    else if (words.take('ISOLATION', 'LEVEL')) {
      isSerializable = words.take('SERIALIZABLE');
      const isLevel = isSerializable || words.take('REPEATABLE', 'READ');
      if (!isLevel && !words.take('READ', 'COMMITTED') && !words.take('READ', 'UNCOMMITTED')) {
        throw words.unexpected();
      }
    } else if (!words.take('NOT', 'DEFERRABLE') && !words.take('DEFERRABLE'))
      throw words.unexpected();
  }
  return { isReadOnly, isSerializable };
}

function tellOfSerializable({ isSerializable }: Modes, client: Client): void {
  if (!isSerializable) return;
  const message =
    'DuckDB has snapshot isolation, which is repeatable read: the transaction is not serializable';
  client.parts.tell({ code: '01000', message }, 'WARNING');
}
