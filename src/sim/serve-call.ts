/** Serves one call: reads it, enters it in the ledger, applies the limits, and answers as the script says. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerChat } from './answer.ts';
import { type CallBody, callBody, problemBody } from './call-body.ts';
import { RequestProblem } from './chat-request.ts';
import { readDirective } from './directive.ts';
import { EVENT_STREAM, Exchange } from './exchange.ts';
import type { Fault } from './fault.ts';
import { actionOfAll, answerItems, type ItemAction, readItems } from './items.ts';
import { isRecord } from './json.ts';
import type { Endpoint } from './ledger.ts';
import { contentHash, hashText, mixSeed } from './random.ts';
import type { Excess } from './rate-limiter.ts';
import { type Call, PATHS, readCall } from './read-call.ts';
import type { Action } from './script.ts';
import type { SimulatorState } from './state.ts';
import { type CallTokens, costMicroUsd, tokensOf } from './tokens.ts';
import { deliverFault } from './wire/deliver-fault.ts';
import { retryAfterHeader } from './wire/status.ts';

/**
 * Serves a call whose body has arrived. The caller has already counted it in the gauge. `req` is undefined for a request
 * of a batch: it has no headers, no latency and no limits, and costs half.
 */
export function serveCall(
  state: SimulatorState,
  endpoint: Endpoint,
  req: IncomingMessage | undefined,
  res: ServerResponse,
  bytes: Buffer,
): void {
  const { body, hash } = readBody(endpoint, bytes);
  const model = isRecord(body) && typeof body['model'] === 'string' ? body['model'] : '';
  const { log, gauge, onCall, settings } = state;
  const entry = log.begin(endpoint, hash, model);
  const exchange = new Exchange({ res, entry, log, gauge, onEnd: onCall });
  try {
    if (req !== undefined) checkHeaders(endpoint, settings.requireKey, req);
    serve(state, exchange, readCall(endpoint, body, settings), req === undefined);
  } catch (thrown) {
    const problem =
      thrown instanceof RequestProblem
        ? thrown
        : new RequestProblem(500, `the simulated server failed: ${(thrown as Error).message}`);
    const { status, message, code } = problem;
    exchange.send(status, [], problemBody(endpoint, status, message, code), 'rejected');
  }
}

/** Executes a request of a batch, and returns its response. */
export function serveBatched(
  state: SimulatorState,
  endpoint: Endpoint,
  body: unknown,
): { readonly status: number; readonly text: string } {
  const sent = { status: 500, text: problemBody(endpoint, 500, 'not a fault for batches', null) };
  const res = Object.assign(new EventEmitter(), {
    writeHead: (status: number) => {
      sent.status = status;
    },
    end: (text: string | Buffer) => {
      sent.text = text.toString();
    },
  });
  state.gauge.now += 1;
  const bytes = Buffer.from(JSON.stringify(body));
  serveCall(state, endpoint, undefined, res as unknown as ServerResponse, bytes);
  return sent;
}

function readBody(endpoint: Endpoint, bytes: Buffer): { body: unknown; hash: string } {
  const text = bytes.toString();
  try {
    const body: unknown = JSON.parse(text);
    return { body, hash: contentHash(PATHS[endpoint], body) };
  } catch {
    // The body is not JSON, or is nested too deeply.
    return { body: undefined, hash: contentHash(PATHS[endpoint], text) };
  }
}

function checkHeaders(
  endpoint: Endpoint,
  key: string | undefined,
  { headers }: IncomingMessage,
): void {
  if (endpoint === 'messages' && headers['anthropic-version'] === undefined) {
    throw new RequestProblem(400, 'anthropic-version: header is required');
  }
  const sent = endpoint === 'messages' ? `Bearer ${headers['x-api-key']}` : headers.authorization;
  if (key === undefined || sent === `Bearer ${key}`) return;
  throw new RequestProblem(401, 'Incorrect API key provided.', 'invalid_api_key');
}

function serve(state: SimulatorState, exchange: Exchange, call: Call, isBatch: boolean): void {
  const { entry } = exchange;
  const { settings, limiter, gauge } = state;
  if (settings.previewChars > 0) {
    // This makes a copy, because a slice would keep the whole text in memory.
    entry.preview = Buffer.from(call.text.slice(0, settings.previewChars)).toString();
  }
  if (call.kind === 'chat') {
    const { tool, responseFormat, cacheKey } = call.chat;
    if (responseFormat !== 'text') entry.form = tool === undefined ? responseFormat : 'tool';
    if (cacheKey !== undefined) entry.cacheKey = cacheKey;
  }
  const { action, prompt } = actionOf(state, exchange, call);
  const fault = faultOf(action, entry.attempt);
  const raw = holds(action, entry.attempt) ? action?.raw : undefined;
  const answer =
    call.kind === 'chat' ? answerChat(call.chat, prompt, settings.answers, action) : undefined;
  const tokens = tokensOfCall(call, answer?.tokensOut ?? 0, action);
  const { endpoint } = entry;

  const now = performance.now();
  const excess = isBatch
    ? undefined
    : limiter.admit(now, gauge.now, tokens.tokensIn, tokens.tokensOut);
  const name = endpoint === 'messages' ? 'request-id' : 'x-request-id';
  const headers = [name, `req_${entry.ordinal}`, ...limiter.headers(now, endpoint)];
  if (excess !== undefined) {
    refuse(state, exchange, excess, headers);
    return;
  }

  if (fault === undefined || reachesModel(fault)) {
    Object.assign(entry, tokens);
  }
  const { prices } = settings;
  const cost = costMicroUsd(prices, entry.model, entry);
  entry.costMicroUsd = cost === undefined ? null : isBatch ? cost / 2 : cost;
  const kind = fault?.kind ?? (raw === undefined ? undefined : 'raw');
  if (kind !== undefined) entry.fault = kind;
  entry.delayMs = isBatch ? 0 : state.delayMs(action, entry.contentHash, entry.attempt);
  exchange.later(entry.delayMs, () => {
    const body = raw ?? callBody(call, entry, answer, tokens, fault);
    const eventMs = action?.eventMs ?? 0;
    if (fault === undefined && eventMs > 0 && Array.isArray(body)) {
      exchange.sendEvents(headers, body, eventMs);
      return;
    }
    const isStream = raw === undefined && call.kind === 'chat' && call.chat.stream;
    const type = isStream ? EVENT_STREAM : 'application/json';
    const bytes = bytesOf(body);
    if (fault === undefined) {
      exchange.send(200, headers, bytes, kind === undefined ? 'answered' : 'faulted', type);
      return;
    }
    deliverFault(exchange, fault, {
      ...{ headers, type, body: Buffer.from(bytes as string) },
      errorBody: (status, message, code) => problemBody(endpoint, status, message, code),
    });
  });
}

function bytesOf(body: CallBody): string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : body.join('');
}

function tokensOfCall(call: Call, tokensOut: number, action: Action | undefined): CallTokens {
  const tokensIn = tokensOf(call.chars);
  const { cachedShare = 0, cacheWriteShare = 0 } = action ?? {};
  const tokensCached = Math.floor(tokensIn * cachedShare);
  const tokensCacheWrite = Math.min(
    tokensIn - tokensCached,
    Math.floor(tokensIn * cacheWriteShare),
  );
  return {
    ...{ tokensIn, tokensOut },
    ...(tokensCached === 0 ? {} : { tokensCached }),
    ...(tokensCacheWrite === 0 ? {} : { tokensCacheWrite }),
  };
}

/** Returns what is done with a call. Its rule says it, and the directive in its prompt overrides the rule. */
function actionOf(
  { rules, settings }: SimulatorState,
  { entry }: Exchange,
  call: Call,
): ItemAction {
  const of = (text: string, lastUser: string, contentHash = entry.contentHash): ItemAction => {
    const rule = rules.find({ ...entry, contentHash, text });
    if (!settings.directives) return { action: rule, prompt: lastUser };
    const { action, rest } = readDirective(lastUser);
    return { action: action === undefined ? rule : { ...rule, ...action }, prompt: rest };
  };
  if (call.kind === 'embeddings')
    return { action: rules.find({ ...entry, text: call.text }), prompt: '' };
  const items = readItems(call.chat);
  if (items === undefined) return of(call.text, call.chat.lastUser);
  const actions = items.map(({ chat }) => of(chat.text, chat.lastUser, hashText(chat.text)));
  const draw = mixSeed(entry.contentHash, settings.seed, entry.attempt, ITEMS);
  const { answer, isCut } = answerItems(items, actions, settings, draw);
  const action = actionOfAll(actions);
  return { action: { ...action, answer, ...(isCut ? { finish: 'length' } : {}) }, prompt: '' };
}

/** The purpose of a draw, see `mixSeed`. */
const ITEMS = 1_000_003;

function refuse(
  { limiter, log }: SimulatorState,
  exchange: Exchange,
  { limit, waitMs }: Excess,
  headers: readonly string[],
): void {
  const status = limiter.hard ? 500 : 429;
  if (limiter.hard) log.violated();
  const wait = [
    ...retryAfterHeader(Math.ceil(waitMs / 1000)),
    'retry-after-ms',
    String(Math.ceil(waitMs)),
  ];
  const { endpoint } = exchange.entry;
  const body = problemBody(
    endpoint,
    status,
    `Rate limit reached: ${limit}.`,
    'rate_limit_exceeded',
  );
  exchange.send(status, limiter.hard ? headers : [...headers, ...wait], body, 'limited');
}

function holds(action: Action | undefined, attempt: number): boolean {
  return attempt <= (action?.attempts ?? Number.POSITIVE_INFINITY);
}

function faultOf(action: Action | undefined, attempt: number): Fault | undefined {
  if (action === undefined || !holds(action, attempt)) return undefined;
  if (action.fault !== undefined) return action.fault;
  const { status, retryAfter, code } = action;
  return status === undefined ? undefined : { kind: 'status', status, retryAfter, code };
}

/** Whether a provider would bill the call, although its answer is lost or unusable. */
function reachesModel(fault: Fault): boolean {
  if (fault.kind === 'content') return fault.what !== 'error-body';
  return fault.kind !== 'status' && fault.kind !== 'redirect' && fault.kind !== 'bytes';
}
