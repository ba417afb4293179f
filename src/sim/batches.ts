/** The Batch APIs of OpenAI and Anthropic. A batch takes a while, and a script says how its requests go wrong. */
import type { BatchFaults } from './batch-faults.ts';
import { errorBody } from './envelope.ts';
import type { JsonRecord } from './json.ts';
import type { BatchedRequest, BatchFate, Endpoint } from './ledger.ts';
import { contentHash, createRandom, mixSeed } from './random.ts';
import { PATHS } from './read-call.ts';

interface Batch {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly metadata: unknown;
  readonly createdMs: number;
  readonly requests: readonly (BatchedRequest & { readonly body: unknown })[];
  readonly fates: Map<string, BatchFate>;
  readonly output: string[];
  readonly errors: string[];
  state: 'open' | 'canceled' | 'ended';
}

/** The response to a request. */
export interface BatchReply {
  readonly status: number;
  readonly text: string;
}

/** What batches need of their server. */
export interface BatchHost {
  readonly faults: BatchFaults;
  readonly seed: number;
  /** Executes a request as a call, which stands in the ledger at half its price. */
  execute(endpoint: Endpoint, body: unknown): BatchReply;
}

/** The batches of a server. */
export class Batches {
  readonly #batches: Batch[] = [];
  readonly #files = new Map<string, string>();
  readonly #uploads = new Map<string, number>();

  requests(): BatchedRequest[] {
    return this.#batches.flatMap(({ requests, fates }) =>
      requests.map(({ body: _, ...request }) => ({
        ...request,
        fate: fates.get(request.customId) ?? 'waiting',
      })),
    );
  }

  /** Serves a request of a Batch API. Returns undefined for any other request. */
  serve(
    host: BatchHost,
    request: string,
    query: URLSearchParams,
    body: Buffer,
  ): BatchReply | undefined {
    const [, method, path] = /^(\w+) \/v1(\/.*)$/.exec(request) ?? [];
    const isAnthropic = path?.startsWith('/messages/batches') === true;
    const [, id, action] =
      /^(?:\/messages)?\/batches(?:\/(\w+)(?:\/(\w+))?)?$/.exec(path ?? '') ?? [];
    const isBatches = /^(\/messages)?\/batches\b/.test(path ?? '');
    for (const batch of this.#batches) this.#settle(host, batch);
    if (method === 'POST' && path === '/files') return json({ id: this.#keep(fileIn(body)) });
    if (method === 'GET' && path !== undefined && this.#files.has(path)) {
      return { status: 200, text: this.#files.get(path)! };
    }
    if (!isBatches) return undefined;
    const view = (batch: Batch) => (isAnthropic ? messageBatch(batch) : this.#batchOf(batch));
    if (id === undefined) {
      if (method === 'POST') return json(view(this.#create(body, isAnthropic)));
      const newest = this.#batches.filter((one) => isAnthropic === isOfMessages(one)).reverse();
      const after = query.get('after') ?? query.get('after_id');
      const from = newest.findIndex((one) => one.id === after) + 1;
      const to = from + (Number(query.get('limit')) || 20);
      return json({ data: newest.slice(from, to).map(view), has_more: to < newest.length });
    }
    const batch = this.#batches.find((one) => one.id === id);
    if (batch === undefined) return { status: 404, text: errorBody(404, `No batch ${id}.`) };
    if (action === 'results') return { status: 200, text: batch.output.join('') };
    if (action === 'cancel' && batch.state === 'open') this.#cancel(batch);
    return json(view(batch));
  }

  #keep(text: string): string {
    const id = `file-${this.#files.size + 1}`;
    this.#files.set(`/files/${id}/content`, text);
    return id;
  }

  #create(body: Buffer, isAnthropic: boolean): Batch {
    const asked = JSON.parse(body.toString()) as JsonRecord;
    const id = `batch_${this.#batches.length + 1}`;
    const endpoint = isAnthropic ? 'messages' : 'chat';
    const file = this.#files.get(`/files/${String(asked['input_file_id'])}/content`) ?? '';
    const lines = isAnthropic
      ? (asked['requests'] as readonly JsonRecord[])
      : file
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as JsonRecord);
    const requests = lines.map((line) => {
      const content = isAnthropic ? line['params'] : line['body'];
      const hash = contentHash(PATHS[endpoint], content);
      const upload = (this.#uploads.get(hash) ?? 0) + 1;
      this.#uploads.set(hash, upload);
      const customId = String(line['custom_id']);
      return {
        batch: id,
        customId,
        contentHash: hash,
        upload,
        fate: 'waiting' as const,
        body: content,
      };
    });
    const batch: Batch = {
      ...{ id, endpoint, requests, metadata: asked['metadata'] ?? null, createdMs: Date.now() },
      ...{ fates: new Map(), output: [], errors: [], state: 'open' },
    };
    this.#batches.push(batch);
    return batch;
  }

  #cancel(batch: Batch): void {
    batch.state = 'canceled';
    for (const { customId } of batch.requests) {
      batch.fates.set(customId, 'canceled');
      if (isOfMessages(batch)) batch.output.push(resultLine(customId, { type: 'canceled' }));
    }
  }

  /** Executes the requests of a batch whose time has come. Results stand in another order than requests. */
  #settle({ faults, seed, execute }: BatchHost, batch: Batch): void {
    if (batch.state !== 'open' || Date.now() < batch.createdMs + faults.ms) return;
    batch.state = 'ended';
    const again: string[] = [];
    const order = mixSeed(contentHash('', batch.id), seed);
    for (const request of shuffled(batch.requests, order)) {
      const { customId, upload } = request;
      const random = createRandom(mixSeed(request.contentHash, seed, upload, BATCHES));
      const holds = upload <= (faults.uploads ?? Number.POSITIVE_INFINITY);
      const isHit = (part: number) => random() < part && holds;
      const fate = (['expired', 'failed', 'missing'] as const).find((one) => isHit(faults[one]));
      batch.fates.set(customId, fate ?? 'succeeded');
      if (fate === 'missing') continue;
      if (fate !== undefined) {
        this.#fail(batch, customId, fate);
        continue;
      }
      const answer = execute(batch.endpoint, request.body);
      batch.output.push(answerLine(batch, customId, answer));
      if (!isHit(faults.duplicated)) continue;
      const other = {
        ...answer,
        text: answer.text.replace(/"(content|text)":"/g, '"$1":"again: '),
      };
      again.push(answerLine(batch, customId, other));
    }
    batch.output.push(...again);
  }

  #fail(batch: Batch, customId: string, fate: 'expired' | 'failed'): void {
    const message = fate === 'failed' ? 'The simulated model failed.' : 'It expired.';
    if (isOfMessages(batch)) {
      const error = { type: 'error', error: { type: 'api_error', message } };
      const result = fate === 'failed' ? { type: 'errored', error } : { type: 'expired' };
      batch.output.push(resultLine(customId, result));
    } else if (fate === 'failed') {
      const response = { status_code: 500, body: { error: { message } } };
      batch.errors.push(`${JSON.stringify({ custom_id: customId, response, error: null })}\n`);
    } else {
      const error = { code: 'batch_expired', message };
      batch.errors.push(`${JSON.stringify({ custom_id: customId, response: null, error })}\n`);
    }
  }

  /** A batch in OpenAI's form. The files of a batch without lines are absent. */
  #batchOf({ id, metadata, createdMs, requests, fates, output, errors, state }: Batch): object {
    const fileOf = (name: string, lines: readonly string[]): string | null => {
      if (lines.length === 0) return null;
      this.#files.set(`/files/${name}-${id}/content`, lines.join(''));
      return `${name}-${id}`;
    };
    const isExpired = [...fates.values()].includes('expired');
    const ended = state === 'canceled' ? 'cancelled' : isExpired ? 'expired' : 'completed';
    return {
      ...{ id, object: 'batch', metadata, created_at: Math.floor(createdMs / 1_000) },
      status: state === 'open' ? 'in_progress' : ended,
      output_file_id: state === 'open' ? null : fileOf('output', output),
      error_file_id: state === 'open' ? null : fileOf('errors', errors),
      request_counts: { total: requests.length, completed: output.length, failed: errors.length },
    };
  }
}

/** The purpose of a draw, see `mixSeed`. */
const BATCHES = 1_000_033;

function json(value: object): BatchReply {
  return { status: 200, text: JSON.stringify(value) };
}

function isOfMessages({ endpoint }: Batch): boolean {
  return endpoint === 'messages';
}

/** A batch in Anthropic's form. */
function messageBatch({ id, createdMs, requests, fates, state }: Batch): object {
  const count = (fate: BatchFate) => [...fates.values()].filter((one) => one === fate).length;
  const succeeded = count('succeeded') + count('missing');
  return {
    ...{ id, type: 'message_batch', created_at: new Date(createdMs).toISOString() },
    processing_status: state === 'open' ? 'in_progress' : 'ended',
    request_counts: {
      processing: requests.length - fates.size,
      ...{ succeeded, errored: count('failed'), canceled: count('canceled') },
      expired: count('expired'),
    },
  };
}

function resultLine(customId: string, result: object): string {
  return `${JSON.stringify({ custom_id: customId, result })}\n`;
}

function answerLine(batch: Batch, customId: string, { status, text }: BatchReply): string {
  const body = JSON.parse(text) as unknown;
  if (!isOfMessages(batch)) {
    const response = { status_code: status, request_id: customId, body };
    return `${JSON.stringify({ custom_id: customId, response, error: null })}\n`;
  }
  const isError = status >= 400;
  return resultLine(
    customId,
    isError ? { type: 'errored', error: body } : { type: 'succeeded', message: body },
  );
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Returns the file in the body of a form. */
function fileIn(body: Buffer): string {
  const text = body.toString();
  const from = text.indexOf('\r\n\r\n', text.indexOf('name="file"')) + 4;
  return text.slice(from, text.lastIndexOf('\r\n--'));
}
