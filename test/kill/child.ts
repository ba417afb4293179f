/** The process that is killed: one statement on an engine with a journal, its rows to a table or to stdout. */
import { writeSync } from 'node:fs';
import { Engine } from '../../src/index.ts';

/** What a child is told. */
export interface ChildTask {
  readonly url: string;
  readonly stateDir: string;
  readonly cascades: string;
  readonly database?: string;
  readonly sql: string;
  readonly readOnly?: boolean;
  /** Settings of the provider besides its URL. */
  readonly provider?: Readonly<Record<string, unknown>>;
  readonly segmentMaxBytes?: number;
  /** Writes a line for every row. */
  readonly streams: boolean;
  /** The process sends itself this after so many calls have ended. */
  readonly crash?: { readonly afterCalls: number; readonly signal: NodeJS.Signals };
}

const task = JSON.parse(process.argv[2]!) as ChildTask;

/** A line that is with the reader even if the process dies in the next instant. */
function tell(line: object): void {
  let bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
      // The reader is behind.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const { segmentMaxBytes, crash } = task;
await using engine = await Engine.open({
  cascades: task.cascades,
  threads: 2,
  providers: { sim: { baseUrl: task.url, ...task.provider } },
  model: 'sim/test-model',
  stateDir: task.stateDir,
  journal: { prompts: true, ...(segmentMaxBytes === undefined ? {} : { segmentMaxBytes }) },
  ...(task.database === undefined ? {} : { database: task.database }),
  ...(task.readOnly === true ? { readOnly: true } : {}),
});
engine.events.once('attempt.start', () => tell({ began: true }));
let ended = 0;
engine.events.on('attempt.end', () => {
  ended += 1;
  if (ended === crash?.afterCalls) process.kill(process.pid, crash.signal);
});
if (task.streams) {
  const stream = engine.stream(task.sql);
  for await (const row of stream) tell({ row });
  tell({ done: await stream.summary, notices: stream.notices });
} else {
  const { summary, notices } = await engine.query(task.sql);
  tell({ done: summary, notices });
}
