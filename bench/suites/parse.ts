/** Measures the parser on a one-line statement and on one of 5 KB. */
import { parse as parseScript } from '../../grammar/index.ts';
import type { Suite, Variant } from '../suite.ts';

const ONE_LINE =
  "RVBBIT MAP PARALLEL 10 'extract_brand.yaml' AS brand USING (SELECT * FROM products LIMIT 200)";

function longStatement(): string {
  const columns = Array.from(
    { length: 110 },
    (_, index) => `coalesce(t.column_${index}, 'none') AS "c ${index}"`,
  );
  return `RVBBIT MAP PARALLEL 10 'extract_brand.yaml' AS brand USING (SELECT ${columns.join(', ')} FROM t) WITH (limit = 200, on_error = 'skip')`;
}

function timed(name: string, source: string, repeats: number): Variant {
  return {
    name,
    async measure() {
      for (let i = 0; i < repeats; i++) parseScript(source);
      const startMs = performance.now();
      for (let i = 0; i < repeats; i++) {
        if (parseScript(source).diagnostics.length > 0) throw new Error('does not parse');
      }
      return { us: ((performance.now() - startMs) * 1000) / repeats };
    },
  };
}

export const parse: Suite = {
  name: 'parse',
  about: `one line (${ONE_LINE.length} characters) and ${(longStatement().length / 1000).toFixed(1)} KB, warm`,
  variants: [timed('one line', ONE_LINE, 5_000), timed('5 KB', longStatement(), 500)],
  figures: (median) => [
    { name: 'a one-line statement', value: median('one line', 'us'), unit: ' µs', atMost: 30 },
    { name: 'a 5 KB statement', value: median('5 KB', 'us') / 1000, unit: ' ms', atMost: 1.2 },
  ],
};
