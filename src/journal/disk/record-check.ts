/**
 * Checks the form of records from disk: the kinds, their fields, and the values of each field. Every reader of records
 * from disk uses `checkRecord`, because a checksum proves only that the bytes are the bytes that were written.
 */
import type { Failure } from '../../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../../limits.ts';
import type { ChatImage, KeptMessage } from '../../model/chat.ts';
import type { RowAccount, RowFailure, Summary } from '../../result.ts';
import { isObject } from '../../util/json.ts';
import { type AnswerShare, type AttemptStart, RECORD_VERSION } from '../records.ts';
import type { StoredRecord } from './stored-record.ts';

/** The kinds of records on disk. `calls.held` and `calls.released` go to listeners only. */
type Kind = Exclude<StoredRecord['t'], 'calls.held' | 'calls.released'>;
type RecordOf<K extends Kind> = Extract<StoredRecord, { t: K }>;
/** The fields of a `T` before they are checked. */
type Unchecked<T> = { readonly [F in keyof T]?: unknown };

/** True for a finite number that is not negative. JSON's `1e999` parses as Infinity and is refused. */
function amount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

/** True for a whole number that is not negative and that a double holds exactly. */
function count(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True for an amount, or null for an unknown price. */
function cost(value: unknown): boolean {
  return value === null || amount(value);
}

/** True for a string. Also used for sets that grow with the engine, such as error codes: no reader depends on them. */
function text(value: unknown): boolean {
  return typeof value === 'string';
}

function absent(value: unknown): boolean {
  return value === undefined;
}

function list(value: unknown, holds: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => holds(item));
}

function shape<T>(holds: (fields: Unchecked<T>) => boolean): (value: unknown) => boolean {
  return (value) => isObject(value) && holds(value as Unchecked<T>);
}

const sharedCall = shape<NonNullable<AttemptStart['shared']>>(
  ({ call, of }) => text(call) && count(of),
);
const failure = shape<Failure>(({ code, message }) => text(code) && text(message));

const rowFailure = shape<RowFailure>(
  ({ ordinal, code, message, attempts }) =>
    count(ordinal) && text(code) && text(message) && count(attempts),
);

const image = shape<Omit<ChatImage, 'base64'>>(
  ({ mediaType, hash, size }) => text(mediaType) && text(hash) && count(size),
);

const message = shape<KeptMessage>(
  ({ role, content, images }) =>
    text(role) && text(content) && (absent(images) || list(images, image)),
);

const share = shape<AnswerShare>(
  ({ operator, criterion, met, of }) =>
    text(operator) && (absent(criterion) || text(criterion)) && amount(met) && amount(of),
);

const rowAccount = shape<RowAccount>((rows) =>
  [rows.in, rows.ok, rows.null, rows.failed, rows.skipped, rows.notRun, rows.deduped].every(count),
);

const summary = shape<Summary>(
  (fields) =>
    text(fields.sessionId) &&
    text(fields.callerId) &&
    (fields.status === 'complete' || fields.status === 'incomplete') &&
    (absent(fields.reason) || text(fields.reason)) &&
    rowAccount(fields.rows) &&
    count(fields.runs) &&
    callAccount(fields.calls) &&
    tokenAccount(fields.tokens) &&
    cost(fields.costMicroUsd) &&
    (absent(fields.assumedCostMicroUsd) || amount(fields.assumedCostMicroUsd)) &&
    count(fields.uncostedCalls) &&
    amount(fields.durationMs) &&
    (absent(fields.callsMs) || amount(fields.callsMs)) &&
    amount(fields.waitedMs) &&
    text(fields.strategy) &&
    (absent(fields.refusedParameters) || list(fields.refusedParameters, modelParameter)) &&
    (absent(fields.fallbacks) || list(fields.fallbacks, fallback)) &&
    list(fields.failures, rowFailure),
);

const callAccount = shape<Summary['calls']>(
  ({ sent, retried, cacheHits, possiblyPaidTwice }) =>
    count(sent) && count(retried) && count(cacheHits) && count(possiblyPaidTwice),
);

const tokenAccount = shape<Summary['tokens']>(
  (tokens) =>
    amount(tokens.in) &&
    amount(tokens.out) &&
    (absent(tokens.cached) || amount(tokens.cached)) &&
    (absent(tokens.cacheWrite) || amount(tokens.cacheWrite)),
);

const modelParameter = shape<NonNullable<Summary['refusedParameters']>[number]>(
  ({ model, parameter, instead }) =>
    text(model) && text(parameter) && (absent(instead) || text(instead)),
);

const fallback = shape<NonNullable<Summary['fallbacks']>[number]>(
  ({ model, insteadOf, calls }) => text(model) && text(insteadOf) && count(calls),
);

/** Checks the fields that every record has. */
function base({ seq, at, session, caller }: Unchecked<StoredRecord>): boolean {
  return count(seq) && count(at) && text(session) && text(caller);
}

// Each field is written out. Looking fields up by name would make reading a journal a tenth slower.
const FORMS: { readonly [K in Kind]: (record: Unchecked<RecordOf<K>>) => boolean } = {
  'statement.open': (record) =>
    text(record.sql) &&
    text(record.kind) &&
    text(record.origin) &&
    (absent(record.label) || text(record.label)) &&
    count(record.parallel) &&
    (absent(record.cascade) || text(record.cascade)) &&
    (absent(record.strategy) || text(record.strategy)) &&
    (absent(record.engine) || text(record.engine)) &&
    (absent(record.hasParameters) || record.hasParameters === true) &&
    (absent(record.resumes) || text(record.resumes)),

  'statement.read': ({ rows, runs, deduped }) => count(rows) && count(runs) && count(deduped),

  'attempt.start': (record) =>
    text(record.attempt) &&
    (absent(record.cascade) || text(record.cascade)) &&
    text(record.cell) &&
    text(record.callKey) &&
    count(record.n) &&
    text(record.provider) &&
    text(record.model) &&
    (absent(record.insteadOf) || text(record.insteadOf)) &&
    count(record.lane) &&
    (absent(record.again) || count(record.again)) &&
    (absent(record.queuedMs) || amount(record.queuedMs)) &&
    (absent(record.shared) || sharedCall(record.shared)) &&
    (absent(record.batch) || text(record.batch)) &&
    (absent(record.prompt) || list(record.prompt, message)),

  'attempt.end': (record) =>
    text(record.attempt) &&
    (record.outcome === 'ok' || record.outcome === 'failed' || record.outcome === 'not_sent') &&
    (absent(record.status) || amount(record.status)) &&
    count(record.tokensIn) &&
    count(record.tokensOut) &&
    (absent(record.tokensCached) || count(record.tokensCached)) &&
    (absent(record.tokensCacheWrite) || count(record.tokensCacheWrite)) &&
    cost(record.costMicroUsd) &&
    (record.costStatus === 'settled' ||
      record.costStatus === 'assumed' ||
      record.costStatus === 'uncosted') &&
    amount(record.durationMs) &&
    (absent(record.callKey) || text(record.callKey)) &&
    (absent(record.value) || text(record.value)) &&
    (absent(record.provider) || text(record.provider)) &&
    (absent(record.model) || text(record.model)) &&
    (absent(record.error) || failure(record.error)) &&
    (absent(record.raw) || text(record.raw)),

  'cache.hits': ({ count: hits, savedMicroUsd, cell, provider, model }) =>
    count(hits) && cost(savedMicroUsd) && text(cell) && text(provider) && text(model),

  rows: ({ first, count: runs, ok, null: nulls, failed, skipped, failures }) =>
    [first, runs, ok, nulls, failed, skipped].every(count) && list(failures, rowFailure),

  'run.stalled': ({ run, limitMs }) => count(run) && amount(limitMs),

  'worker.lost': ({ reason }) => text(reason),

  'parameter.refused': ({ provider, model, parameter, instead }) =>
    text(provider) && text(model) && text(parameter) && (absent(instead) || text(instead)),

  'answers.learned': ({ shares }) => list(shares, share),

  'statement.close': ({ summary: closed, errorCode }) =>
    summary(closed) && (absent(errorCode) || text(errorCode)),

  'cache.clear': ({ before, keys }) => count(before) && (absent(keys) || list(keys, text)),

  answer: (record) =>
    text(record.callKey) &&
    text(record.value) &&
    count(record.tokensIn) &&
    count(record.tokensOut) &&
    cost(record.costMicroUsd) &&
    (absent(record.provider) || text(record.provider)) &&
    (absent(record.model) || text(record.model)),
};

/** Returns the record that a line's JSON value holds, or the reason why it is not a valid record. */
export function checkRecord(
  value: unknown,
): { readonly record: StoredRecord } | { readonly reason: string } {
  if (!isObject(value)) return { reason: 'it is no record' };
  const { v, t } = value;
  if (v !== RECORD_VERSION) return { reason: `its version ${shown(v)} is not known` };
  if (typeof t !== 'string') return { reason: 'its kind is no text' };
  const record = t === 'rows' ? wholeRows(value) : t === 'cache.hits' ? wholeHits(value) : value;
  // A record of an unknown kind is valid: readers ignore it.
  const holds = Object.hasOwn(FORMS, t) ? FORMS[t as Kind](record) : true;
  if (!holds || !base(record))
    return { reason: `it does not have the form of a record ${shown(t)}` };
  return { record: record as unknown as StoredRecord };
}

/** Completes a `rows` record that has only `first`, `count` and `failed`: one row for each run, all other rows `ok`. */
function wholeRows(record: Unchecked<RecordOf<'rows'>>): Unchecked<RecordOf<'rows'>> {
  const { count: runs, failed, ok, null: nulls, skipped, failures } = record;
  if (![ok, nulls, skipped, failures].every(absent)) return record;
  return { ...record, ok: Number(runs) - Number(failed), null: 0, skipped: 0, failures: [] };
}

/** Completes a `cache.hits` record that has `callKeys`, the keys of its answers, instead of a count. */
function wholeHits(
  record: Unchecked<RecordOf<'cache.hits'> & { callKeys: unknown }>,
): Unchecked<RecordOf<'cache.hits'>> {
  const { callKeys, ...rest } = record;
  if (!list(callKeys, text)) return record;
  return { ...rest, count: (callKeys as readonly string[]).length, savedMicroUsd: null };
}

/** Returns the value in the form in which an error message shows it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MESSAGE_VALUE_CHARS));
  return typeof value === 'number' ? String(value) : `(${typeof value})`;
}
