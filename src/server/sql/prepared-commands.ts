/** PREPARE, EXECUTE and DEALLOCATE. They share their names with the statements that the protocol prepares. */

import { bindTexts, describePrepared } from './bind.ts';
import type { Client } from './client.ts';
import { type Command, doneWith, knownCommand } from './command.ts';
import { refusal, withoutPlace } from './protocol-error.ts';
import { readDuckType } from './types/duck-type.ts';
import { textOf } from './types/encode.ts';
import { pgTypeOf } from './types/pg-types.ts';
import type { Words } from './words.ts';

type Route = (text: string, client: Client) => Command;

export function preparedCommand(words: Words, client: Client, route: Route): Command | undefined {
  switch (words.takeOneOf(['PREPARE', 'EXECUTE', 'DEALLOCATE'])) {
    case 'PREPARE':
      return knownCommand([], async () => {
        const name = words.name();
        const types = words.isSign('(') ? await oidsOf(words.bracketed(), client) : [];
        if (!words.take('AS')) throw words.unexpected();
        const text = words.rest();
        client.keep(name, { text, command: route(text, client), types });
        return doneWith('PREPARE');
      });
    case 'EXECUTE': {
      const name = words.name();
      const list = words.isSign('(') ? words.bracketed() : '';
      const prepared = () => {
        words.end();
        const statement = client.prepared.get(name);
        if (statement.command !== undefined) return { ...statement, command: statement.command };
        throw refusal('26000', 'the prepared statement is empty');
      };
      return {
        role: 'statement',
        mayChange:
          !client.prepared.has(name) || client.prepared.get(name).command?.mayChange !== false,
        async describe(signal) {
          return { ...(await describePrepared(prepared(), signal)), parameters: [] };
        },
        async run(_, signal) {
          const statement = prepared();
          const values = list.trim() === '' ? [] : await evaluated(list, client);
          const bound = await bindTexts(statement, values, client, signal);
          return statement.command.run(bound, signal).catch(withoutPlace);
        },
      };
    }
    case 'DEALLOCATE':
      return knownCommand([], () => {
        words.take('PREPARE');
        if (words.take('ALL')) {
          client.prepared.clear();
          return doneWith('DEALLOCATE ALL');
        }
        const name = words.name();
        client.prepared.get(name);
        client.prepared.delete(name);
        return doneWith('DEALLOCATE');
      });
    default:
      return undefined;
  }
}

/** Returns the OIDs of the types of PREPARE, as DuckDB reads them. */
async function oidsOf(list: string, client: Client): Promise<readonly number[]> {
  const session = await client.session();
  const casts = list
    .split(',')
    .map((type) => (/^\s*unknown\s*$/i.test(type) ? 'NULL' : `NULL::${type}`));
  const { columns } = await session.describe(`SELECT ${casts.join(', ')}`);
  return columns.map(({ type }, index) => (casts[index] === 'NULL' ? 0 : pgTypeOf(type).oid));
}

/** Returns the texts of the values of EXECUTE. */
async function evaluated(list: string, client: Client): Promise<readonly (string | null)[]> {
  const session = await client.session();
  const { rows, columns } = await session.query(`SELECT ${list}`, undefined, {
    valueForm: 'json',
    origin: client.origin,
  });
  return columns.map(({ name, type }) => {
    const value = rows[0]?.[name] ?? null;
    return value === null ? null : textOf(readDuckType(type), client.zone)(value);
  });
}
