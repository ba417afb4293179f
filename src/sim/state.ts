/** The state of a running server: its script, its limits and its ledger. */
import { type BatchFaults, batchFaultsSchema } from './batch-faults.ts';
import { Batches } from './batches.ts';
import { drawLatency } from './latency.ts';
import { CallLog, type Gauge, type LedgerEntry } from './ledger.ts';
import { createRandom, mixSeed } from './random.ts';
import { RateLimiter } from './rate-limiter.ts';
import { RuleBook } from './rule-book.ts';
import {
  type Action,
  optionsSchema,
  readScript,
  type SimulatorOptions,
  type SimulatorScript,
  type SimulatorSettings,
  scriptSchema,
} from './script.ts';

/** The state of a server. */
export class SimulatorState {
  readonly settings: SimulatorSettings;
  readonly gauge: Gauge = { now: 0 };
  readonly onCall: ((entry: LedgerEntry) => void) | undefined;
  /** The connections since the start, those open now, and the most that were open at once since `reset`. */
  readonly connections = { opened: 0, open: 0, most: 0 };
  log: CallLog;
  rules: RuleBook;
  limiter: RateLimiter;
  batches = new Batches();
  #script: Pick<SimulatorSettings, 'latency' | 'rules' | 'limits' | 'batches'>;

  /** Throws a `TypeError` or `SyntaxError` if the options are invalid. */
  constructor(options: SimulatorOptions, onCall?: (entry: LedgerEntry) => void) {
    this.settings = readScript(optionsSchema, options);
    this.onCall = onCall;
    this.#script = this.settings;
    this.log = new CallLog(this.settings.ledgerEntries, this.gauge);
    this.rules = new RuleBook(this.#script.rules ?? [], this.settings.seed);
    this.limiter = new RateLimiter(this.#script.limits);
  }

  /** Replaces the parts that the script contains. The windows and counts of the other parts continue. */
  apply(script: SimulatorScript): void {
    const parts = readScript(scriptSchema, script);
    const rules = parts.rules && new RuleBook(parts.rules, this.settings.seed);
    this.#script = { ...this.#script, ...parts };
    this.rules = rules ?? this.rules;
    if (parts.limits !== undefined) this.limiter = new RateLimiter(parts.limits);
  }

  /** Empties the ledger, and resets the limits and the uses of rules. Calls in flight continue, and end in the old ledger. */
  reset(): void {
    this.log = new CallLog(this.settings.ledgerEntries, this.gauge);
    this.rules = new RuleBook(this.#script.rules ?? [], this.settings.seed);
    this.limiter = new RateLimiter(this.#script.limits);
    this.batches = new Batches();
    this.connections.most = this.connections.open;
  }

  get faults(): BatchFaults {
    return this.#script.batches ?? batchFaultsSchema.parse({});
  }

  /** Returns the latency of a call, the same for the same seed, content and attempt. */
  delayMs(action: Action | undefined, contentHash: string, attempt: number): number {
    if (action?.delayMs !== undefined) return action.delayMs;
    const latency = action?.latency ?? this.#script.latency;
    if (latency === undefined) return 0;
    return drawLatency(latency, createRandom(mixSeed(contentHash, this.settings.seed, attempt, 1)));
  }
}
