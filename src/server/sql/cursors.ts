/** DECLARE, FETCH, MOVE and CLOSE. A cursor is a portal with a name, so that the protocol can describe it as well. */
import { placedFrom } from '../../plan/placed-error.ts';
import type { Row } from '../../result.ts';
import type { Client } from './client.ts';
import { type Answer, type Command, doneWith, knownCommand, type RowsAnswer } from './command.ts';
import { Portal } from './portal.ts';
import { refusal, unsupported, withoutPlace } from './protocol-error.ts';
import type { Words } from './words.ts';

type Route = (text: string, client: Client) => Command;

/** How far a FETCH or MOVE goes. */
type Reach =
  | { readonly kind: 'forward'; readonly count: number }
  /** To the row before the first. */
  | { readonly kind: 'start' }
  /** To the row of this number, and no further. */
  | { readonly kind: 'row'; readonly number: number };

export function cursorCommand(words: Words, client: Client, route: Route): Command | undefined {
  const verb = words.takeOneOf(['DECLARE', 'FETCH', 'MOVE', 'CLOSE']);
  switch (verb) {
    case 'DECLARE':
      return declareCommand(words, client, route);
    case 'FETCH':
    case 'MOVE': {
      const read = once(() => {
        const reach = readReach(words);
        words.takeOneOf(['FROM', 'IN']);
        const name = words.name();
        words.end();
        return { reach, name };
      });
      return {
        role: 'statement',
        mayChange: false,
        async describe(signal) {
          if (verb === 'MOVE') return { parameters: [], columns: [] };
          return {
            parameters: [],
            columns: await cursorNamed(read().name, client).describe(signal),
          };
        },
        async run() {
          const { name, reach } = read();
          return fetched(cursorNamed(name, client), reach, verb, client).catch(withoutPlace);
        },
      };
    }
    case 'CLOSE':
      return knownCommand([], async () => {
        if (words.take('ALL')) {
          await client.closePortals();
          return doneWith('CLOSE CURSOR ALL');
        }
        const name = words.name();
        cursorNamed(name, client);
        await client.closePortal(name);
        return doneWith('CLOSE CURSOR');
      });
    default:
      return undefined;
  }
}

function declareCommand(words: Words, client: Client, route: Route): Command {
  const read = once(() => {
    const name = words.name();
    const isBinary = words.take('BINARY');
    while (
      words.takeOneOf(['INSENSITIVE', 'ASENSITIVE', 'SCROLL', 'BINARY']) ||
      words.take('NO', 'SCROLL')
    );
    if (!words.take('CURSOR')) throw words.unexpected();
    if (words.take('WITH', 'HOLD')) {
      throw unsupported(
        'a cursor WITH HOLD is not supported: it would have to keep its rows after the transaction; put them into a temp table',
      );
    }
    words.take('WITHOUT', 'HOLD');
    if (!words.take('FOR')) throw words.unexpected();
    const text = words.rest();
    return { name, isBinary, command: route(text, client), start: words.text.length - text.length };
  });
  return {
    role: 'statement',
    mayChange: false,
    async describe(signal, types) {
      const { command, start } = read();
      const { parameters } = await command.describe(signal, types).catch((thrown: unknown) => {
        throw placedFrom(thrown, words.text, start);
      });
      return { parameters, columns: [] };
    },
    async run(parameters) {
      const { name, isBinary, command, start } = read();
      if (!client.inTransaction) {
        throw refusal('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
      }
      const columns = async (signal: AbortSignal) =>
        (await command.describe(signal, undefined, parameters)).columns;
      const parts = {
        command,
        parameters,
        formats: isBinary ? [1 as const] : [],
        columns,
        source: words.text,
        start,
      };
      const portal = new Portal(parts);
      // A mistake in the query is an error of DECLARE, not of the first FETCH.
      const described = await portal.describe(portal.signal).catch((thrown: unknown) => {
        throw placedFrom(thrown, words.text, start);
      });
      if (described.length === 0) {
        throw refusal('42601', 'a cursor needs a query that returns rows');
      }
      await client.open(name, portal, words.text.length);
      return doneWith('DECLARE CURSOR');
    },
  };
}

function cursorNamed(name: string, client: Client): Portal {
  return client.portals.get(name, 'cursor');
}

function readReach(words: Words): Reach {
  const forward = (count: number): Reach => ({ kind: 'forward', count });
  if (words.take('NEXT')) return forward(1);
  if (words.take('FIRST')) return { kind: 'row', number: 1 };
  if (words.take('ABSOLUTE')) {
    const number = words.takeCount() ?? -1;
    return number === 0 ? { kind: 'start' } : { kind: 'row', number };
  }
  if (words.take('RELATIVE')) {
    const count = words.takeCount() ?? -1;
    if (count === 1) return forward(1);
    throw unsupported(`FETCH RELATIVE ${count} is not supported: use FETCH FORWARD`);
  }
  if (words.take('BACKWARD', 'ALL')) return { kind: 'start' };
  if (/^(?:BACKWARD|PRIOR|LAST)$/.test(words.next)) throw backward();
  words.take('FORWARD');
  if (words.take('ALL')) return forward(Number.POSITIVE_INFINITY);
  const count = words.takeCount() ?? 1;
  if (count < 0) throw backward();
  return forward(count);
}

function backward(): Error {
  return refusal(
    '55000',
    'a cursor goes forward only; MOVE BACKWARD ALL or MOVE ABSOLUTE 0 goes back to its start',
  );
}

/** Returns the rows of a FETCH. Its `tag` also serves MOVE, which returns none. */
async function fetched(
  cursor: Portal,
  reach: Reach,
  verb: 'FETCH' | 'MOVE',
  client: Client,
): Promise<Answer> {
  let count = reach.kind === 'forward' ? reach.count : 0;
  let skipped = 0;
  if (reach.kind === 'row') {
    if (reach.number < 1) throw backward();
    if (reach.number <= cursor.rowsTaken) await cursor.rewind();
    skipped = reach.number - 1 - cursor.rowsTaken;
    count = 1;
  }
  const moved = reach.kind === 'start' ? cursor.rowsTaken : 0;
  if (reach.kind === 'start') await cursor.rewind();
  const answer = await rowsAnswerOf(cursor);
  const rows = limited(cursor, answer, skipped, count, client);
  if (verb === 'FETCH') {
    const wasDone = cursor.isDone;
    const account = async () => (cursor.isDone && !wasDone ? answer.account?.() : undefined);
    return { ...answer, rows, account, tag: (taken) => `FETCH ${taken}` };
  }
  let passed = moved;
  for (let step = await rows.next(); step.done !== true; step = await rows.next()) passed += 1;
  return doneWith(`MOVE ${passed}`);
}

async function rowsAnswerOf(cursor: Portal): Promise<RowsAnswer> {
  const answer = await cursor.open();
  if (answer.kind === 'rows') return answer;
  throw refusal('42601', 'a cursor needs a query that returns rows');
}

/** Yields the next rows of a cursor, which stays open behind them. */
async function* limited(
  cursor: Portal,
  { rows }: RowsAnswer,
  skipped: number,
  count: number,
  client: Client,
): AsyncGenerator<Row, void> {
  for (let taken = -skipped; taken < count && !cursor.isDone; taken += 1) {
    const step = await rows.next();
    if (step.done === true) {
      cursor.noteEnd();
      return;
    }
    cursor.rowsTaken += 1;
    client.checkRows(cursor.rowsTaken);
    if (taken >= 0) yield step.value;
  }
}

/** Returns a function that does its work at its first call. */
function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => {
    done ??= { value: work() };
    return done.value;
  };
}
