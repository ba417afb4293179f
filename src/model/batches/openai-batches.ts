/** OpenAI's Batch API, which other services have too: https://platform.openai.com/docs/guides/batch */
import type { Answered } from '../chat.ts';
import { member } from '../provider-error.ts';
import {
  BATCHES_LOOKED_AT,
  type BatchApi,
  type BatchName,
  CLOCK_SLACK_MS,
  type EndedBatch,
  notAnswered,
} from './batch-api.ts';
import type { BatchHttp } from './batch-http.ts';

/** The endpoint of the requests, as the API names it. */
const ENDPOINT = '/v1/chat/completions';
const PAGE = 100;
/** The key of a batch's metadata that holds its name. */
const NAME = 'rvbbit';

export const OPENAI_BATCHES: BatchApi = {
  isNamed: true,

  request: (id, body) =>
    `{"custom_id":${JSON.stringify(id)},"method":"POST","url":"${ENDPOINT}","body":${body}}\n`,

  /** Uploads the requests as a file, which costs nothing, and then creates the batch. */
  async create(http, { id }, requests) {
    const boundary = `----${id}`;
    const part = (head: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name=${head}\r\n\r\n`;
    const head = `${part('"purpose"')}batch\r\n${part(`"file"; filename="${id}.jsonl"\r\nContent-Type: application/jsonl`)}`;
    const file = await http.create('/files', {
      bytes: Buffer.from([head, ...requests, `\r\n--${boundary}--\r\n`].join('')),
      type: `multipart/form-data; boundary=${boundary}`,
    });
    const batch = {
      input_file_id: file,
      endpoint: ENDPOINT,
      completion_window: '24h',
      metadata: { [NAME]: id },
    };
    return http.create('/batches', { bytes: JSON.stringify(batch) });
  },

  async candidates(http, { id, createdMs }: BatchName) {
    let after = '';
    for (let looked = 0; looked < BATCHES_LOOKED_AT; looked += PAGE) {
      const page = await http.json('GET', `/batches?limit=${PAGE}${after}`);
      const batches = listOf(member(page, 'data'));
      const found = batches.find((one) => member(member(one, 'metadata'), NAME) === id);
      if (found !== undefined) return [String(member(found, 'id'))];
      const last = batches.at(-1);
      const isOld = Number(member(last, 'created_at')) * 1_000 < createdMs - CLOCK_SLACK_MS;
      if (last === undefined || isOld || member(page, 'has_more') !== true) return [];
      after = `&after=${encodeURIComponent(String(member(last, 'id')))}`;
    }
    return [];
  },

  async ended(http: BatchHttp, batch: string): Promise<EndedBatch | undefined> {
    const state = await http.json('GET', `/batches/${encodeURIComponent(batch)}`);
    const rest = restOf(state);
    if (rest === undefined) return undefined;
    const files = ['output_file_id', 'error_file_id']
      .map((key) => member(state, key))
      .filter((id) => typeof id === 'string' && id !== '')
      .map((id) => `/files/${encodeURIComponent(String(id))}/content`);
    // So many tokens may wait in batches.
    const isFull = member(refusalOf(state), 'code') === 'token_limit_exceeded';
    return { files, rest, isFull };
  },

  readResult(line) {
    const id = member(line, 'custom_id');
    if (typeof id !== 'string') return undefined;
    const response = member(line, 'response');
    const status = member(response, 'status_code');
    if (typeof status === 'number') {
      return { id, answer: { status, body: JSON.stringify(member(response, 'body') ?? null) } };
    }
    const error = member(line, 'error');
    return { id, answer: notAnswered(408, String(member(error, 'message') ?? 'no response')) };
  },

  async cancel(http, batch) {
    await http.json('POST', `/batches/${encodeURIComponent(batch)}/cancel`);
  },
};

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the first error of a batch that was refused as a whole. */
function refusalOf(state: unknown): unknown {
  return listOf(member(member(state, 'errors'), 'data'))[0];
}

/** Returns the answer to each request without a result; undefined if the batch has not ended. */
function restOf(state: unknown): Answered | undefined {
  switch (member(state, 'status')) {
    case 'completed':
      return notAnswered(502, 'the batch was completed without a result for this request');
    case 'expired':
      return notAnswered(408, 'the batch expired before this request was answered');
    case 'cancelled':
      return notAnswered(408, 'the batch was cancelled before this request was answered');
    case 'failed': {
      const message = String(member(refusalOf(state), 'message') ?? 'no reason given');
      return notAnswered(400, `the batch was refused: ${message}`);
    }
    default:
      return undefined;
  }
}
