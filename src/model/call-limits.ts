/** What a provider, a model or a statement may ask at most. */
/** What may be asked at most; the gate of the main thread keeps to it. */
export interface CallLimits {
  /** Rates are per minute, and hold in every window of `windowMs`: 180 rpm and 1,000 ms are 3 in any second. */
  readonly rpm?: number;
  readonly inputTpm?: number;
  readonly outputTpm?: number;
  /** Default: a minute. */
  readonly windowMs?: number;
  readonly inFlight?: number;
  /** Calls in flight that may be added in a second, from a cold start. */
  readonly ramp?: number;
}

/** The limits of a provider, over all of its models, and of single models, which hold in addition. */
export interface ProviderLimits extends CallLimits {
  readonly models?: Readonly<Record<string, CallLimits>>;
}
