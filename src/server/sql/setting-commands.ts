/** SET, SHOW, RESET and DISCARD, and commands that have nothing to do here. */
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Client } from './client.ts';
import { type Command, doneWith, knownCommand, rowsOf } from './command.ts';
import { refusal, unsupported } from './protocol-error.ts';
import { Settings } from './settings.ts';
import type { Words } from './words.ts';

const TEXT = 'VARCHAR';

export function settingCommand(words: Words, client: Client): Command | undefined {
  const verb = words.takeOneOf(['SET', 'SHOW', 'RESET', 'DISCARD', 'UNLISTEN', 'LISTEN', 'NOTIFY']);
  switch (verb) {
    case 'SET':
      return setCommand(words, client);
    case 'SHOW':
      return showCommand(words, client);
    case 'RESET': {
      if (!words.take('ALL')) {
        const name = settingName(words);
        if (!Settings.has(name)) return undefined;
        return knownCommand([], () => change(name, undefined, false, client, 'RESET'));
      }
      return knownCommand([], () => resetAll(client, 'RESET'));
    }
    case 'DISCARD': {
      const what = words.takeOneOf(['ALL', 'PLANS', 'SEQUENCES', 'TEMP', 'TEMPORARY']);
      return knownCommand([], async () => {
        if (what === undefined) throw words.unexpected();
        if (what === 'ALL') {
          if (client.inTransaction)
            throw refusal('25001', 'DISCARD ALL cannot run inside a transaction block');
          await client.closePortals();
          client.prepared.clear();
          await resetAll(client, 'RESET');
        }
        if (what === 'ALL' || what.startsWith('TEMP')) await dropTemporary(client);
        return doneWith(`DISCARD ${what === 'TEMPORARY' ? 'TEMP' : what}`);
      });
    }
    case 'UNLISTEN':
      return knownCommand([], () => doneWith('UNLISTEN'));
    case 'LISTEN':
    case 'NOTIFY':
      return knownCommand([], () => {
        throw unsupported(`${verb} is not supported: this server sends no notifications`);
      });
    default:
      return undefined;
  }
}

function setCommand(words: Words, client: Client): Command | undefined {
  const isLocal = words.take('LOCAL');
  if (!isLocal) words.take('SESSION');
  if (words.take('TIME', 'ZONE')) {
    return knownCommand([], () => {
      const value = words.take('DEFAULT') || words.take('LOCAL') ? undefined : words.value();
      words.end();
      return change('timezone', value, isLocal, client, 'SET');
    });
  }
  if (words.take('NAMES')) {
    return knownCommand([], () => change('client_encoding', words.value(), isLocal, client, 'SET'));
  }
  if (words.take('AUTHORIZATION') || words.take('ROLE')) {
    return knownCommand([], () => {
      const role = words.value();
      if (!/^(?:none|default)$/i.test(role) && role !== client.parts.user) {
        throw refusal(
          '42501',
          `permission denied to become ${role}: a connection keeps the user that it began with`,
        );
      }
      return doneWith('SET');
    });
  }
  if (words.isOver || /^(?:VARIABLE|GLOBAL)$/.test(words.next)) return undefined;
  const name = settingName(words);
  if (!Settings.has(name)) return undefined;
  return knownCommand([], () => {
    if (!words.take('TO') && !words.takeSign('=')) throw words.unexpected();
    const values: string[] = [];
    const isDefault = words.take('DEFAULT');
    while (!isDefault) {
      values.push(words.value());
      if (!words.takeSign(',')) break;
    }
    words.end();
    return change(name, isDefault ? undefined : values.join(', '), isLocal, client, 'SET');
  });
}

function showCommand(words: Words, client: Client): Command | undefined {
  const { settings } = client;
  if (words.take('ALL')) {
    const columns = ['name', 'setting', 'description'].map((name) => ({ name, type: TEXT }));
    return knownCommand(columns, () => {
      const rows = settings.all().map(([name, setting]) => ({ name, setting, description: '' }));
      return rowsOf(columns, rows, 'SHOW');
    });
  }
  const name = words.take('TRANSACTION', 'ISOLATION', 'LEVEL')
    ? 'transaction_isolation'
    : words.take('TIME', 'ZONE')
      ? 'timezone'
      : words.isOver
        ? ''
        : settingName(words);
  const value = settings.get(name);
  if (value === undefined || !words.isOver) return undefined;
  const columns = [{ name, type: TEXT }];
  return knownCommand(columns, () => rowsOf(columns, [{ [name]: settings.get(name) }], 'SHOW'));
}

function settingName(words: Words): string {
  try {
    return words.dotted().toLowerCase();
  } catch {
    return '';
  }
}

/** Changes a setting here and, where DuckDB has it too, there. */
async function change(
  name: string,
  value: string | undefined,
  isLocal: boolean,
  client: Client,
  tag: string,
) {
  const kept = name === 'timezone' && value !== undefined ? zoneName(value) : value;
  client.settings.set(name, kept, isLocal);
  await client.applySettings();
  return doneWith(tag);
}

/** A number of hours is a zone too; the zones called Etc/GMT count to the west. */
function zoneName(value: string): string {
  const hours = /^[+-]?\d{1,2}$/.test(value) ? Number(value) : undefined;
  if (hours === undefined) return value;
  return hours === 0 ? 'UTC' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

async function resetAll(client: Client, tag: string) {
  client.settings.resetAll();
  await client.applySettings();
  return doneWith(tag);
}

async function dropTemporary(client: Client): Promise<void> {
  const session = await client.session();
  const { rows } = await session.query<{ name: string; is_view: boolean }>(
    `SELECT view_name AS name, true AS is_view FROM duckdb_views() WHERE temporary AND NOT internal
     UNION ALL SELECT table_name, false FROM duckdb_tables() WHERE temporary`,
  );
  for (const { name, is_view } of rows) {
    await session.runOwn(
      `DROP ${is_view ? 'VIEW' : 'TABLE'} IF EXISTS temp.${quoteIdentifier(name)}`,
    );
  }
}
