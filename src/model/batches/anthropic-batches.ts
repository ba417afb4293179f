/** Anthropic's Message Batches: https://docs.anthropic.com/en/docs/build-with-claude/batch-processing */
import { member } from '../provider-error.ts';
import { BATCHES_LOOKED_AT, type BatchApi, CLOCK_SLACK_MS, notAnswered } from './batch-api.ts';

const PATH = '/messages/batches';
const PAGE = 1_000;

/** A batch has no name and no metadata. Until it has ended, only its time and its number of requests are known. */
export const ANTHROPIC_BATCHES: BatchApi = {
  isNamed: false,

  request: (id, body) => `{"custom_id":${JSON.stringify(id)},"params":${body}}`,

  async create(http, _name, requests) {
    const bytes = `{"requests":[${requests.join(',')}]}`;
    return http.create(PATH, { bytes });
  },

  async candidates(http, { createdMs, keys }) {
    const found: string[] = [];
    let after = '';
    for (let looked = 0; looked < BATCHES_LOOKED_AT; looked += PAGE) {
      const page = await http.json('GET', `${PATH}?limit=${PAGE}${after}`);
      const data = member(page, 'data');
      const batches = Array.isArray(data) ? (data as readonly unknown[]) : [];
      for (const batch of batches) {
        const createdAt = Date.parse(String(member(batch, 'created_at')));
        if (createdAt < createdMs - CLOCK_SLACK_MS) return found;
        const counts = Object.values(member(batch, 'request_counts') ?? {});
        const total = counts.reduce((sum: number, count) => sum + Number(count), 0);
        if (total === keys.length) found.push(String(member(batch, 'id')));
      }
      if (member(page, 'has_more') !== true) return found;
      after = `&after_id=${encodeURIComponent(String(member(batches.at(-1), 'id')))}`;
    }
    return found;
  },

  async ended(http, batch) {
    const path = `${PATH}/${encodeURIComponent(batch)}`;
    const state = await http.json('GET', path);
    if (member(state, 'processing_status') !== 'ended') return undefined;
    // The path and not `results_url`, so that the key goes to no other server.
    const rest = notAnswered(502, 'the batch ended without a result for this request');
    return { files: [`${path}/results`], rest };
  },

  readResult(line) {
    const id = member(line, 'custom_id');
    const result = member(line, 'result');
    if (typeof id !== 'string') return undefined;
    switch (member(result, 'type')) {
      case 'succeeded':
        return { id, answer: { status: 200, body: JSON.stringify(member(result, 'message')) } };
      // The body of an error names its status.
      case 'errored':
        return { id, answer: { status: 200, body: JSON.stringify(member(result, 'error')) } };
      default: {
        const what = `${String(member(result, 'type'))} before it was answered`;
        return { id, answer: notAnswered(408, `the request was ${what}`) };
      }
    }
  },

  async cancel(http, batch) {
    await http.json('POST', `${PATH}/${encodeURIComponent(batch)}/cancel`);
  },
};
