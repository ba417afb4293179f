/** `rvbbit report`: draws a statement of the journal, or writes its trace. */
import { Archive } from '../../journal/disk/archive.ts';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import {
  type JournalPlace,
  type OpenedStatement,
  openedStatements,
  recordsOf,
} from '../../journal/disk/find-statement.ts';
import type { JournalRecord } from '../../journal/records.ts';
import { loadPlotting } from '../../report/plotting.ts';
import { openingOf, statementPage, titleOf } from '../../report/statement-page.ts';
import { timelineOf } from '../../report/timeline.ts';
import { traceJson } from '../../report/trace.ts';
import { existingJournal } from '../existing-journal.ts';
import { CliError, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { reportDamage } from '../report-damage.ts';
import { FileSink } from '../sink/file-sink.ts';
import { intoSink, type Sink } from '../sink/sink.ts';
import { StdoutSink } from '../sink/stdout-sink.ts';

const USAGE = 'rvbbit report last|<session>';
/** The number of sessions that an error names: the newest ones. */
const SESSIONS_SHOWN = 5;

/** Writes one file and prints its name. Returns the exit code. */
export async function report(words: readonly string[], options: CliOptions): Promise<number> {
  const [wanted, ...more] = words;
  refuseWord(more[0], USAGE);
  if (wanted === undefined) throw new CliError('usage', 'report needs last, or a session', USAGE);
  const place: JournalPlace = {
    files: realFileSystem,
    folder: existingJournal(options).folder,
    openArchive: () => Archive.open(),
    onDamage: reportDamage,
  };
  const { session, caller } = chosen(await openedStatements(place), wanted);
  const records = await recordsOf(place, caller);
  const isTrace = options.trace === true;
  const text = isTrace ? traceOf(records) : statementPage(await loadPlotting(), records);
  // A name in the journal is only data: it must not lead out of the folder.
  const base = session.replace(/[^\w-]/g, '_');
  const name = isTrace ? `rvbbit-trace-${base}.json` : `rvbbit-report-${base}.html`;
  await write(text, options.output ?? name);
  return 0;
}

function traceOf(records: readonly JournalRecord[]): string {
  return traceJson(timelineOf(records), titleOf(openingOf(records)));
}

/** Returns the wanted statement. `last` ignores EXPLAIN, which runs nothing. */
function chosen(statements: readonly OpenedStatement[], wanted: string): OpenedStatement {
  const withName = (of: (name: string) => boolean) =>
    statements.filter(({ session, caller }) => of(session) || of(caller));
  const last = statements.find(({ kind }) => kind !== 'explain');
  if (wanted === 'last') {
    if (last !== undefined) return last;
    throw new CliError('usage', 'the journal holds no statement', 'plain SQL is not recorded');
  }
  const exact = withName((name) => name === wanted);
  const found = exact.length > 0 ? exact : withName((name) => name.startsWith(wanted));
  const [statement, ...others] = found;
  if (statement === undefined) {
    const newest = namesOf(statements) || 'none';
    const message = `no statement of the journal has a session that begins with ${wanted}`;
    throw new CliError('usage', message, `the newest: ${newest}`);
  }
  if (others.length > 0) {
    const message = `${wanted} begins several sessions: ${namesOf(found)}`;
    throw new CliError('usage', message, 'say more of it');
  }
  return statement;
}

function namesOf(statements: readonly OpenedStatement[]): string {
  const names = statements.slice(0, SESSIONS_SHOWN).map(({ session }) => session);
  const rest = statements.length - names.length;
  return `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

async function write(text: string, path: string): Promise<void> {
  const ignored = () => undefined;
  const isStdout = path === '-' || path === '/dev/stdout';
  const sink: Sink = isStdout ? new StdoutSink(ignored) : await FileSink.open(path, ignored);
  await intoSink(sink, async () => sink.write(text));
  if (!isStdout) process.stdout.write(`${path}\n`);
}
