/** Formats micro-USD as dollars: from $1 on with two decimals, below with two significant digits. */
export function dollars(microUsd: number): string {
  const usd = microUsd / 1e6;
  if (usd === 0) return '$0';
  const digits = usd >= 1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(usd)));
  return `$${usd.toFixed(digits)}`;
}
