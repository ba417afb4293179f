/** SET, SHOW, RESET and DISCARD, and commands that have nothing to do here. */
import { dedupeNames } from '../../duck/columns.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Row } from '../../result.ts';
import type { Client } from './client.ts';
import { type Command, doneWith, knownCommand, rowsOf } from './command.ts';
import { refusal, unsupported, withoutPlace } from './protocol-error.ts';
import { Settings, spellingOf } from './settings.ts';
import { readInterval } from './types/times.ts';
import type { Words } from './words.ts';

const TEXT = 'VARCHAR';

const SET_CONFIG = /^\s*select\s+(?:pg_catalog\s*\.\s*)?set_config\b/i;

type Route = (text: string, client: Client) => Command;

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
      const value = zoneValue(words);
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

/** SELECT of calls of set_config(name, value, is_local) and of nothing else, for each row of a FROM if there is one. */
export function setConfigCommand(words: Words, client: Client, route: Route): Command | undefined {
  if (!SET_CONFIG.test(words.text)) return undefined;
  words.take('SELECT');
  const lists: string[] = [];
  const names: string[] = [];
  do {
    if (words.take('PG_CATALOG')) words.takeSign('.');
    if (!words.take('SET_CONFIG') || !words.isSign('(')) return undefined;
    lists.push(words.bracketed());
    names.push(words.take('AS') ? words.name() : 'set_config');
  } while (words.takeSign(','));
  if (!words.isOver && words.next !== 'FROM') return undefined;
  const columns = dedupeNames(names).map((name) => ({ name, type: TEXT }));
  const command = route(`SELECT ${lists.join(', ')} ${words.rest()}`, client);
  return {
    role: 'statement',
    mayChange: false,
    async describe(signal, types) {
      const { parameters } = await command.describe(signal, types).catch(withoutPlace);
      return { parameters, columns };
    },
    async run(parameters, signal) {
      const answer = await command.run(parameters, signal).catch(withoutPlace);
      if (answer.kind !== 'rows' || answer.columns.length !== 3 * columns.length) {
        throw refusal('42883', 'set_config takes a name, a value and true for SET LOCAL or false');
      }
      const rows: Row[] = [];
      for (
        let step = await answer.rows.next();
        step.done !== true;
        step = await answer.rows.next()
      ) {
        const values = answer.columns.map(({ name }) => step.value?.[name]);
        const shown: Record<string, unknown> = {};
        for (const [index, { name: column }] of columns.entries()) {
          const [name, value, isLocal] = values.slice(3 * index);
          if (typeof name !== 'string' || !Settings.has(name))
            throw refusal('42704', `unrecognized configuration parameter ${JSON.stringify(name)}`);
          const to = value === null ? undefined : String(value);
          await client.set(name, to, /^(?:t|true|on|1)$/i.test(String(isLocal)));
          shown[column] = client.settings.get(name) ?? to;
        }
        rows.push(shown);
      }
      return rowsOf(columns, rows, 'SELECT');
    },
  };
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
  const spelt = spellingOf(name);
  const columns = [{ name: spelt, type: TEXT }];
  return knownCommand(columns, () => rowsOf(columns, [{ [spelt]: settings.get(name) }], 'SHOW'));
}

function settingName(words: Words): string {
  try {
    return words.dotted().toLowerCase();
  } catch {
    return '';
  }
}

async function change(
  name: string,
  value: string | undefined,
  isLocal: boolean,
  client: Client,
  tag: string,
) {
  await client.set(name, value, isLocal);
  return doneWith(tag);
}

/** Takes the value of SET TIME ZONE; undefined for the first value. An interval is hours to the east. */
function zoneValue(words: Words): string | undefined {
  if (words.take('DEFAULT') || words.take('LOCAL')) return undefined;
  if (!words.take('INTERVAL')) return words.value();
  const text = words.value();
  const parts = readInterval(text);
  words.take('HOUR', 'TO', 'MINUTE');
  if (parts === undefined || parts.months !== 0 || parts.days !== 0) {
    throw refusal('22023', `a time zone is an interval of hours and minutes, and not '${text}'`);
  }
  return String(Number(parts.micros) / 3.6e9);
}

async function resetAll(client: Client, tag: string) {
  await client.resetAll();
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
