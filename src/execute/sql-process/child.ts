/**
 * The process that runs the queries of SQL cells, so that a native fault in one ends this process and
 * not the engine's. It serves the engine that started it and ends with it.
 */
import { rmSync } from 'node:fs';
import { loadNodeApi } from '../../duck/node-api.ts';
import { failureOf, messageOf } from '../../errors.ts';
import { ChildDatabase, prepareDatabase } from './child-database.ts';
import type { FromProcess, ProcessOutcome, ToldQuery, ToProcess } from './messages.ts';

const databases = new Map<number, Promise<ChildDatabase>>();
const running = new Map<number, AbortController>();
/** The engine's private folder: it goes with the process where the engine has died. */
const folder = process.argv[2];

// Ctrl-C in a terminal, and the end of a service, go to every process there; what they mean is for the engine to say.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', endWithEngine);
// It may have gone while this module was loaded.
if (!process.connected) endWithEngine();
process.on('message', (message: ToProcess) => {
  switch (message.kind) {
    case 'open': {
      const opening = ChildDatabase.open(message.profile);
      // Each query hears of it.
      opening.catch(() => {});
      databases.set(message.statementId, opening);
      return;
    }
    case 'define':
      databases
        .get(message.statementId)
        ?.then((database) => database.learn(message.definitions))
        .catch(() => {});
      return;
    case 'query':
      void answer(message.id, message.query);
      return;
    case 'cancel':
      running.get(message.id)?.abort();
      return;
    case 'drop':
      databases
        .get(message.statementId)
        ?.then((database) => database.drop(message.sql))
        .catch(() => {});
      return;
    case 'close':
      databases
        .get(message.statementId)
        ?.then((database) => database.close())
        .catch(() => {});
      databases.delete(message.statementId);
  }
});

/** The engine is gone. A query that runs would hold back an orderly end for as long as it takes. */
function endWithEngine(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}

async function answer(id: number, query: ToldQuery): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const outcome: ProcessOutcome = await outcomeOf(query, controller.signal, () =>
    tell({ kind: 'begun', id }),
  ).catch((thrown: unknown) => ({ ok: false, error: failureOf(thrown, 'RVB_SQL') }));
  running.delete(id);
  tell({ kind: 'outcome', id, outcome });
}

async function outcomeOf(
  query: ToldQuery,
  signal: AbortSignal,
  onBegun: () => void,
): Promise<ProcessOutcome> {
  const database = await databases.get(query.statementId);
  if (database === undefined) throw new Error('the statement is not open here');
  return database.run(query, signal, onBegun);
}

function tell(message: FromProcess): void {
  if (!process.connected) return;
  process.send?.(message, undefined, undefined, (error) => {
    if (error instanceof Error) endWithEngine();
  });
}

loadNodeApi().then(
  () => {
    tell({ kind: 'hello' });
    prepareDatabase();
  },
  (thrown: unknown) => tell({ kind: 'failed', message: messageOf(thrown) }),
);
