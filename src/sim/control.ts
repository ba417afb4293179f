/** Serves the `/sim/…` endpoints, which read and control the ledger and the script. Their requests do not count as calls. */
import type { ServerResponse } from 'node:http';
import { errorBody } from './envelope.ts';
import type { LedgerPage } from './ledger-page.ts';
import { LEDGER_PAGE } from './limits.ts';
import type { SimulatorScript } from './script.ts';
import type { SimulatorState } from './state.ts';

/** Serves a request under `/sim/`, e.g. `GET /sim/ledger`. */
export function serveControl(
  state: SimulatorState,
  request: string,
  query: URLSearchParams,
  body: Buffer,
  res: ServerResponse,
): void {
  switch (request) {
    case 'GET /sim/ledger':
      reply(res, 200, ledgerPage(state, query));
      return;
    case 'GET /sim/batches':
      reply(res, 200, state.batches.requests());
      return;
    case 'POST /sim/reset':
      state.reset();
      reply(res, 200, {});
      return;
    case 'POST /sim/mark':
      reply(res, 200, state.log.mark());
      return;
    case 'POST /sim/script':
      replaceScript(state, body, res);
      return;
    default:
      reply(res, 404, errorBody(404, `There is no ${request}.`));
      return;
  }
}

function ledgerPage(state: SimulatorState, query: URLSearchParams): LedgerPage {
  const { user, system } = process.cpuUsage();
  const totals = state.log.totals();
  const server = {
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    connections: state.connections.opened,
    mostConnections: state.connections.most,
  };
  if (query.get('summary') === '1') return { totals, server, entries: [], next: null };
  const limit = Math.min(LEDGER_PAGE, Number(query.get('limit')) || LEDGER_PAGE);
  const entries = state.log.entries(Math.max(0, Number(query.get('since')) || 0), limit);
  const last = entries.at(-1)?.ordinal ?? totals.calls;
  return { totals, server, entries, next: last < totals.calls ? last : null };
}

function replaceScript(state: SimulatorState, body: Buffer, res: ServerResponse): void {
  try {
    // `apply` checks every field.
    state.apply(JSON.parse(body.toString()) as SimulatorScript);
  } catch (thrown) {
    reply(res, 400, errorBody(400, (thrown as Error).message));
    return;
  }
  reply(res, 200, {});
}

function reply(res: ServerResponse, status: number, value: object | string): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  res.writeHead(status, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(text)),
  ]);
  res.end(text);
}
