/** Runs the simulated model server in its own process, so that measurements in this process do not include the server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BatchedRequest, LedgerEntry, LedgerMark } from './ledger.ts';
import type { LedgerPage } from './ledger-page.ts';
import { PROCESS_BOOT_MS } from './limits.ts';
import type { SimulatorOptions, SimulatorScript } from './script.ts';

/** A server in its own process. */
export interface SimulatorProcess {
  /** The base URL, including the version: `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Returns the totals, the server's own resource usage, and every kept entry with an ordinal above `since`. */
  ledger(since?: number): Promise<LedgerPage>;
  /** Returns the same without entries, which is cheap. */
  summary(): Promise<LedgerPage>;
  mark(): Promise<LedgerMark>;
  /** Returns what became of the requests of batches. */
  batched(): Promise<readonly BatchedRequest[]>;
  reset(): Promise<void>;
  script(script: SimulatorScript): Promise<void>;
  /** Ends the process. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('./process.js', import.meta.url));

/** Starts a server in its own process, which ends with this process. Rejects if it does not start. */
export async function spawnSimulator(options: SimulatorOptions = {}): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const url = await readUrl(child);
  const origin = new URL(url).origin;
  const read = (query: string) => control<LedgerPage>('GET', `${origin}/sim/ledger?${query}`);
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin?.end();
    await exited;
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid!,
    async ledger(since = 0) {
      const entries: LedgerEntry[] = [];
      let page = await read(`since=${since}`);
      entries.push(...page.entries);
      while (page.next !== null) {
        page = await read(`since=${page.next}`);
        for (const entry of page.entries) entries.push(entry);
      }
      return { ...page, entries };
    },
    summary: () => read('summary=1'),
    mark: () => control<LedgerMark>('POST', `${origin}/sim/mark`),
    batched: () => control<readonly BatchedRequest[]>('GET', `${origin}/sim/batches`),
    reset: async () => void (await control('POST', `${origin}/sim/reset`)),
    script: async (script) => void (await control('POST', `${origin}/sim/script`, script)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  let complaint = '';
  child.stderr?.on('data', (part: Buffer) => {
    complaint += part.toString();
  });
  const lines = createInterface({ input: child.stdout! });
  const boot = AbortSignal.timeout(PROCESS_BOOT_MS);
  const first = once(lines, 'line', { signal: boot }) as Promise<[string]>;
  const failed = once(child, 'close', { signal: boot }).then(() => undefined);
  failed.catch(() => {});
  first.catch(() => {});
  const line = await Promise.race([first, failed]).catch(() => undefined);
  if (line === undefined) {
    child.kill('SIGKILL');
    throw new Error(`the simulated model server did not start: ${complaint.trim()}`);
  }
  return (JSON.parse(line[0]) as { url: string }).url;
}

/** Makes one request to a control endpoint. */
function control<T>(method: string, url: string, body?: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, agent: false }, (res) => {
      const parts: Buffer[] = [];
      res.on('data', (part: Buffer) => parts.push(part));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (res.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new TypeError(text));
      });
    });
    req.on('error', reject);
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
