/** Call limits of a provider, a model or a statement. The gate on the main thread enforces them. */
export interface CallLimits {
  /** Requests per minute. All rates hold in every window of `windowMs`: 180 rpm and 1,000 ms mean 3 in any second. */
  readonly rpm?: number;
  readonly inputTpm?: number;
  readonly outputTpm?: number;
  /** Default: RATE_WINDOW_MS, a minute. */
  readonly windowMs?: number;
  /** The maximum number of calls in flight. */
  readonly inFlight?: number;
  /** The most input tokens of a call: the context of the models. Default: that of the table of public prices. */
  readonly context?: number;
  /** How many calls in flight may be added per second after a cold start. */
  readonly ramp?: number;
}

/** The limits of a provider over all of its models. Limits of single models hold in addition. */
export interface ProviderLimits extends CallLimits {
  readonly models?: Readonly<Record<string, CallLimits>>;
}
