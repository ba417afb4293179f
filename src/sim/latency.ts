/** The latency of an answer, drawn from a distribution by a seeded generator. */
import * as z from 'zod';
import { MAX_LATENCY_MS } from './limits.ts';
import { normal, type Random } from './random.ts';

const ms = z.number().min(0).max(MAX_LATENCY_MS);

/** A latency in scripts. All times are in milliseconds. */
export const latencySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ms }),
  z.strictObject({ kind: z.literal('uniform'), minMs: ms, maxMs: ms }),
  /** `meanMs` is the arithmetic mean. `sigma` is the standard deviation of the logarithm. */
  z.strictObject({ kind: z.literal('lognormal'), meanMs: ms, sigma: z.number().min(0).max(10) }),
  /** A heavy tail: never below `minMs`, and heavier for a smaller alpha. Larger values are cut to `maxMs`. */
  z.strictObject({
    kind: z.literal('pareto'),
    minMs: ms,
    alpha: z.number().positive(),
    maxMs: ms.optional(),
  }),
]);

/** A latency distribution. */
export type Latency = z.infer<typeof latencySchema>;

/** Draws one latency, in milliseconds. */
export function drawLatency(latency: Latency, random: Random): number {
  switch (latency.kind) {
    case 'constant':
      return latency.ms;
    case 'uniform':
      return latency.minMs + random() * (latency.maxMs - latency.minMs);
    case 'lognormal': {
      if (latency.meanMs === 0) return 0;
      const mu = Math.log(latency.meanMs) - latency.sigma ** 2 / 2;
      return Math.min(MAX_LATENCY_MS, Math.exp(mu + latency.sigma * normal(random)));
    }
    case 'pareto': {
      const drawn = latency.minMs / (1 - random()) ** (1 / latency.alpha);
      return Math.min(latency.maxMs ?? MAX_LATENCY_MS, drawn);
    }
  }
}

/**
 * Parses `constant:500`, `uniform:100:900`, `lognormal:500:0.8` (mean, sigma) or `pareto:100:1.5[:maxMs]` (minimum,
 * alpha). Returns undefined for any other text.
 */
export function parseLatency(text: string): Latency | undefined {
  const [kind, ...words] = text.split(':');
  if (words.some((word) => !/^\d+(\.\d+)?$/.test(word))) return undefined;
  const [first, second, third] = words.map(Number);
  const byKind: Readonly<Record<string, { readonly counts: readonly number[]; value: object }>> = {
    constant: { counts: [1], value: { ms: first } },
    uniform: { counts: [2], value: { minMs: first, maxMs: second } },
    lognormal: { counts: [2], value: { meanMs: first, sigma: second } },
    pareto: { counts: [2, 3], value: { minMs: first, alpha: second, maxMs: third } },
  };
  const form = Object.hasOwn(byKind, kind ?? '') ? byKind[kind ?? ''] : undefined;
  if (form === undefined || !form.counts.includes(words.length)) return undefined;
  const { data } = latencySchema.safeParse({ kind, ...form.value });
  const isReversed =
    data !== undefined && 'maxMs' in data && data.maxMs !== undefined && data.maxMs < data.minMs;
  return isReversed ? undefined : data;
}
