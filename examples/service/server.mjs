// A service with the engine inside it: node examples/service/server.mjs
//   POST /brands     a JSON array of { "name": … }  →  a JSON array of { "name", "brand" }, in its order
//   GET  /products   the example's products with their brands, streamed as NDJSON
//   GET  /health     200 while the service accepts work
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Engine } from 'rvbbit';

const PORT = Number(process.env['PORT'] ?? 8080);
const HOST = process.env['HOST'] ?? '127.0.0.1';
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_NAMES = 1_000;
const MAX_NAME_CHARS = 500;
/** How long statements may go on after SIGTERM before they are cancelled. */
const SHUTDOWN_GRACE_MS = 5_000;
/** How long cancelled requests have to answer before their connections are closed. */
const SETTLE_MS = 2_000;

const engine = await Engine.open({
  cascades: fileURLToPath(new URL('../cascades', import.meta.url)),
  parallel: 4,
});
await engine.query('CREATE TABLE products AS SELECT * FROM read_csv($file)', {
  file: fileURLToPath(new URL('../data/products.csv', import.meta.url)),
});

/** An error that the client may see as it is. */
class HttpError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const shutdown = new AbortController();
let closing = false;

const server = createServer((request, response) => {
  // A statement ends with its client, and with the service.
  const client = new AbortController();
  response.once('close', () => client.abort());
  const signal = AbortSignal.any([client.signal, shutdown.signal]);
  handle(request, response, signal).catch((error) => respondWithError(response, error));
});
server.requestTimeout = 30_000;

async function handle(request, response, signal) {
  const { pathname } = new URL(request.url, 'http://service');
  const route = ROUTES[pathname];
  if (route === undefined) throw new HttpError(404, 'NOT_FOUND', `there is no ${pathname}`);
  if (request.method !== route.method) {
    response.setHeader('allow', route.method);
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', `${pathname} takes ${route.method}`);
  }
  if (!route.hasSession) return route.run(request, response);
  // Each request has a connection of its own, so that none waits for another's statement.
  const session = await engine.session({ signal });
  try {
    await route.run(request, response, { session, signal });
  } finally {
    await session.close();
  }
}

const ROUTES = {
  __proto__: null,
  '/brands': { method: 'POST', run: postBrands, hasSession: true },
  '/products': { method: 'GET', run: getProducts, hasSession: true },
  '/health': { method: 'GET', run: getHealth },
};

async function postBrands(request, response, { session, signal }) {
  const names = await readNames(request);
  // The names are one bound value: whatever they contain, they cannot become SQL.
  const result = await session.query(
    `RVBBIT MAP 'extract_brand.yaml' AS brand
     USING (SELECT unnest(from_json($names, '["VARCHAR"]')) AS name)
     WITH (limit = ${MAX_NAMES}, on_error = 'fail', timeout = '5s')`,
    { names: JSON.stringify(names) },
    { signal, valueForm: 'json' },
  );
  respond(response, 200, result.rows);
}

async function getProducts(_request, response, { session, signal }) {
  const rows = session.stream(
    `RVBBIT MAP 'extract_brand.yaml' AS brand
     USING (SELECT id, name, category, price FROM products ORDER BY id)`,
    {},
    { signal, valueForm: 'json' },
  );
  const lines = Readable.from(ndjson(rows));
  // Nothing is sent before the first line, so that an error until then can still have a status.
  await once(lines, 'readable');
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  await pipeline(lines, response);
}

/** A line a row and a last line that says how it ended: without one, the answer is not whole. */
async function* ndjson(rows) {
  let count = 0;
  try {
    for await (const row of rows) {
      yield `${JSON.stringify(row)}\n`;
      count += 1;
    }
    yield `${JSON.stringify({ end: 'complete', rows: count })}\n`;
  } catch (error) {
    if (count === 0) throw error;
    yield `${JSON.stringify({ end: 'failed', rows: count, error: publicError(error).body })}\n`;
  }
}

async function getHealth(_request, response) {
  respond(response, closing ? 503 : 200, { status: closing ? 'closing' : 'ok' });
}

/** The posted names, checked: nothing but an array of `{ name: string }`. */
async function readNames(request) {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'send content-type: application/json');
  }
  let items;
  try {
    items = JSON.parse(await readBody(request));
  } catch (error) {
    if (error instanceof SyntaxError) throw new HttpError(400, 'BAD_JSON', error.message);
    throw error;
  }
  if (!Array.isArray(items)) throw new HttpError(400, 'BAD_INPUT', 'the body is not an array');
  if (items.length > MAX_NAMES) {
    throw new HttpError(413, 'TOO_MANY_ITEMS', `${items.length} items; ${MAX_NAMES} are allowed`);
  }
  return items.map((item, index) => {
    const name = item?.name;
    if (typeof name !== 'string' || name.length > MAX_NAME_CHARS) {
      const message = `item ${index} has no name of at most ${MAX_NAME_CHARS} characters`;
      throw new HttpError(400, 'BAD_INPUT', message);
    }
    return name;
  });
}

async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  // Without this, leaving the loop would close the socket before the answer is sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new HttpError(413, 'BODY_TOO_LARGE', `the body exceeds ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8').decode(Buffer.concat(chunks));
}

function respond(response, status, body) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    // What is left of a request that was refused is not read; a closing service keeps no connection.
    ...(response.req.complete && !closing ? {} : { connection: 'close' }),
  });
  response.end(text);
}

function respondWithError(response, error) {
  if (response.destroyed) return; // The client has gone.
  const { status, body } = publicError(error);
  if (status === 500) console.error(error);
  if (response.headersSent) response.destroy();
  else respond(response, status, { error: body });
}

const STATUS_BY_CODE = {
  __proto__: null,
  RVB_CANCELLED: 503,
  RVB_CLOSED: 503,
  RVB_LIMIT: 503,
  RVB_TIMEOUT: 504,
  RVB_DEADLINE: 504,
};

/** What a client is told: our own and the engine's codes, and nothing of an unexpected error. */
function publicError(error) {
  if (error instanceof HttpError) {
    return { status: error.status, body: { code: error.code, message: error.message } };
  }
  if (error?.name === 'RvbbitError') {
    const status = STATUS_BY_CODE[error.code] ?? 500;
    return { status, body: { code: error.code, message: error.message } };
  }
  return { status: 500, body: { code: 'INTERNAL', message: 'unexpected error; see the log' } };
}

async function stop(reason) {
  if (closing) return;
  closing = true;
  console.log(`${reason}: finishing ${HOST}:${PORT}`);
  const cancel = setTimeout(() => shutdown.abort(), SHUTDOWN_GRACE_MS);
  const cut = setTimeout(() => server.closeAllConnections(), SHUTDOWN_GRACE_MS + SETTLE_MS);
  const closed = once(server, 'close');
  server.close();
  await closed;
  clearTimeout(cancel);
  clearTimeout(cut);
  await engine.close();
}

for (const reason of ['SIGTERM', 'SIGINT']) process.once(reason, () => stop(reason));
server.listen(PORT, HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}`);
});
