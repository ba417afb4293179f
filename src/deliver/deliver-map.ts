/** Executes a MAP plan and delivers its rows: to the caller at the end, to a table, or as they become known. */
import { MapExecution } from '../execute/execute-map.ts';
import type { StatementEnv } from '../execute/statement-env.ts';
import type { MapPlan } from '../plan/plan.ts';
import type { Notice, Row, ValueForm } from '../result.ts';
import {
  cascadeNotices,
  type Delivered,
  deliverReader,
  endNotices,
  limitNotice,
  NOTHING,
} from './delivered.ts';
import type { StreamHead } from './stream-rows.ts';

export async function deliverMap(
  plan: MapPlan,
  env: StatementEnv,
  form: ValueForm,
): Promise<Delivered> {
  const execution = await MapExecution.prepare(plan, env, { growing: false });
  try {
    await execution.run();
    const intoTable = plan.target.kind !== 'rows';
    const notices = [
      ...noticesOf(plan, execution, env),
      ...execution.advisories.notices(),
      ...endNotices(env, intoTable),
    ];
    await env.desk.journal.commit();
    const { signal, drained } = env.stop;
    // The statement is to be run again: a part of its rows would then be there twice, or its table be in the way.
    if (intoTable && drained !== undefined) return { ...NOTHING, notices };
    const { targetSql } = execution;
    if (targetSql !== undefined) {
      const written = await env.session.run(targetSql, { signal });
      if (intoTable) {
        const rowCount = written.changes ?? (await execution.countRows());
        return { columns: [], rows: [], rowCount, notices };
      }
    }
    return await deliverReader(
      await env.session.run(execution.select(), { signal }),
      form,
      notices,
    );
  } finally {
    await execution.close();
  }
}

/** The rows of a MAP in order, each as soon as it and all before it are known. */
export async function* streamMap(
  plan: MapPlan,
  env: StatementEnv,
  form: ValueForm,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<Row> {
  const execution = await MapExecution.prepare(plan, env, { growing: true });
  let failure: { readonly error: unknown } | undefined;
  const running = execution.run().catch((error: unknown) => {
    failure = { error };
    env.stop.fail(error);
    execution.giveUp();
  });
  try {
    const { signal } = env.stop;
    onHead({
      columns: execution.columns,
      notices: noticesOf(plan, execution, env),
      lateNotices: () => [...execution.advisories.notices(), ...endNotices(env)],
      signal,
    });
    for await (const range of execution.knownRanges()) {
      await env.desk.journal.commit();
      await execution.checkStored();
      const reader = await env.session.run(execution.select(range), { signal });
      yield* await reader.rows(form);
    }
    await running;
    if (failure !== undefined) throw failure.error;
  } catch (thrown) {
    throw failure === undefined ? thrown : failure.error;
  } finally {
    // A consumer that leaves early ends the statement: nothing is run that nobody reads.
    env.stop.abandon();
    await running;
    await execution.close();
  }
}

function noticesOf(
  plan: MapPlan,
  execution: MapExecution,
  { cascade }: StatementEnv,
): readonly Notice[] {
  const isCut = execution.cut && plan.limit.source === 'default';
  return [...cascadeNotices(cascade.warnings), ...(isCut ? [limitNotice('map')] : [])];
}
