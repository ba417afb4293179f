/** `rvbbit cache`: shows or clears the stored model answers. */
import { randomBytes } from 'node:crypto';
import { DiskJournal } from '../../journal/disk/disk-journal.ts';
import { realFileSystem } from '../../journal/disk/file-system.ts';
import {
  type AnswerList,
  type ListedAnswer,
  listAnswers,
} from '../../journal/disk/list-answers.ts';
import { systemClock } from '../../journal/journal.ts';
import { RECORD_VERSION } from '../../journal/records.ts';
import { existingJournal } from '../existing-journal.ts';
import { CliError, exitCodeOf, noAction, refuseWord } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { refuseOptions } from '../options.ts';
import { printRows } from '../print-rows.ts';
import { readAgeMs } from '../read-bounds.ts';
import { reportDamage } from '../report-damage.ts';
import { say, sayError } from '../stderr.ts';
import { counted } from '../text/counted.ts';

/** The largest number of keys in one `cache.clear` record. */
const CLEAR_MAX_KEYS = 1_000;

const USAGE = 'rvbbit cache stats|list|show <key>|clear';
const LISTED = 20;

/** Runs `stats`, `list`, `show` or `clear`. Returns the exit code. */
export async function cache(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, key, ...more] = words;
  refuseWord(action === 'show' ? more[0] : key, USAGE);
  switch (action) {
    case 'stats':
      return stats(options);
    case 'list':
      return list(options);
    case 'show':
      return show(key, options);
    case 'clear':
      return clear(options);
    default:
      throw noAction('cache', action, USAGE);
  }
}

function readAll(folder: string): AnswerList {
  return listAnswers(realFileSystem, folder, reportDamage);
}

/** Returns the time in µs before which answers are older than `--older-than`; undefined without that option. */
function beforeOf({ olderThan }: CliOptions, now: number): number | undefined {
  return olderThan === undefined ? undefined : now - 1_000 * readAgeMs('--older-than', olderThan);
}

/** Returns the answers that `--model` and `--older-than` select. */
function chosenAnswers(
  answers: readonly ListedAnswer[],
  options: CliOptions,
  now = systemClock(),
): ListedAnswer[] {
  const { model } = options;
  const before = beforeOf(options, now);
  return answers.filter(
    (answer) =>
      (before === undefined || answer.at < before) &&
      (model === undefined ||
        answer.model === model ||
        `${answer.provider}/${answer.model}` === model),
  );
}

function timeText(at: number): string {
  return new Date(at / 1_000).toISOString();
}

async function stats(options: CliOptions): Promise<number> {
  refuseOptions('cache', 'stats', options, ['limit', 'yes']);
  const { folder } = existingJournal(options);
  const groups = new Map<string, ListedAnswer[]>();
  const all = readAll(folder);
  for (const answer of chosenAnswers(all.answers, options)) {
    const name = `${answer.provider}/${answer.model}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [answer]);
    else group.push(answer);
  }
  const rows = [...groups.values()].map((answers) => {
    const sum = (of: (answer: ListedAnswer) => number) =>
      answers.reduce((total, answer) => total + of(answer), 0);
    const { provider, model } = answers[0]!;
    const used = all.hits.find((hits) => hits.provider === provider && hits.model === model);
    const priced = answers.filter(({ costMicroUsd }) => costMicroUsd !== null);
    const isPriced = priced.length > 0;
    return {
      provider: provider ?? null,
      model: model ?? null,
      answers: answers.length,
      hits: used?.count ?? 0,
      tokens_in: sum(({ tokensIn }) => tokensIn),
      tokens_out: sum(({ tokensOut }) => tokensOut),
      uncosted: answers.length - priced.length,
      cost_micro_usd: isPriced ? sum(({ costMicroUsd }) => costMicroUsd ?? 0) : null,
      saved_micro_usd: used?.savedMicroUsd ?? (isPriced ? 0 : null),
      oldest: timeText(answers.at(-1)!.at),
      newest: timeText(answers[0]!.at),
    };
  });
  await printRows(
    {
      provider: 'VARCHAR',
      model: 'VARCHAR',
      answers: 'BIGINT',
      hits: 'BIGINT',
      tokens_in: 'BIGINT',
      tokens_out: 'BIGINT',
      uncosted: 'BIGINT',
      cost_micro_usd: 'BIGINT',
      saved_micro_usd: 'BIGINT',
      oldest: 'TIMESTAMP',
      newest: 'TIMESTAMP',
    },
    rows,
    options,
  );
  return 0;
}

async function list(options: CliOptions): Promise<number> {
  refuseOptions('cache', 'list', options, ['yes']);
  const { folder } = existingJournal(options);
  const answers = chosenAnswers(readAll(folder).answers, options);
  await printRows(
    {
      key: 'VARCHAR',
      provider: 'VARCHAR',
      model: 'VARCHAR',
      at: 'TIMESTAMP',
      tokens_in: 'BIGINT',
      tokens_out: 'BIGINT',
      cost_micro_usd: 'BIGINT',
      chars: 'BIGINT',
      text: 'VARCHAR',
    },
    answers.slice(0, options.limit ?? LISTED).map((answer) => ({
      key: answer.callKey,
      provider: answer.provider ?? null,
      model: answer.model ?? null,
      at: timeText(answer.at),
      tokens_in: answer.tokensIn,
      tokens_out: answer.tokensOut,
      cost_micro_usd: answer.costMicroUsd,
      chars: answer.chars,
      text: answer.start,
    })),
    options,
  );
  return 0;
}

async function show(prefix: string | undefined, options: CliOptions): Promise<number> {
  refuseOptions('cache', 'show', options, ['olderThan', 'model', 'limit', 'yes', 'format']);
  if (prefix === undefined) throw new CliError('usage', 'cache show needs a key', USAGE);
  const { folder, stateDir } = existingJournal(options);
  const found = readAll(folder).answers.filter(({ callKey }) => callKey.startsWith(prefix));
  const [answer, ...others] = found;
  if (answer === undefined || others.length > 0) {
    const what = answer === undefined ? 'no stored answer has' : `${found.length} answers have`;
    sayError('cache', `${what} a key that begins with ${prefix}`, ['next: rvbbit cache list']);
    return exitCodeOf(['failed']);
  }
  const journal = await DiskJournal.open(stateDir);
  const text = journal.answers.find(answer.callKey)?.text ?? null;
  await journal.close();
  const { callKey, provider, model, at, tokensIn, tokensOut, costMicroUsd } = answer;
  const shown = { key: callKey, provider, model, at: timeText(at), tokensIn, tokensOut };
  process.stdout.write(`${JSON.stringify({ ...shown, costMicroUsd, text }, null, 2)}\n`);
  return 0;
}

async function clear(options: CliOptions): Promise<number> {
  refuseOptions('cache', 'clear', options, ['limit', 'format']);
  const { folder, stateDir } = existingJournal(options);
  const { model } = options;
  const now = systemClock();
  const before = beforeOf(options, now);
  const going = chosenAnswers(readAll(folder).answers, options, now);
  const what = counted(going.length, 'answer');
  if (options.yes !== true) {
    sayError('usage', `${what} would be cleared`, ['next: add --yes to do it']);
    return exitCodeOf(['usage']);
  }
  const journal = await DiskJournal.open(stateDir);
  const session = `cache-clear-${randomBytes(3).toString('hex')}`;
  let seq = 0;
  const write = (until: number, keys?: readonly string[]) => {
    seq += 1;
    const names = { v: RECORD_VERSION, seq, at: now, session, caller: session };
    journal.append({ ...names, t: 'cache.clear', before: until, ...(keys ? { keys } : {}) });
  };
  if (model === undefined) write(before ?? now);
  // These are cleared by key: the answers of one model, and answers from a clock that ran ahead, dated later than now.
  const named = going.filter(({ at }) => model !== undefined || at >= (before ?? now));
  for (let first = 0; first < named.length; first += CLEAR_MAX_KEYS) {
    const some = named.slice(first, first + CLEAR_MAX_KEYS);
    const until = some.reduce((latest, { at }) => Math.max(latest, at), 0) + 1;
    write(
      until,
      some.map(({ callKey }) => callKey),
    );
  }
  await journal.close();
  if (!options.quiet) say(`${what} cleared`);
  return 0;
}
