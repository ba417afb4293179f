import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Piece } from '../../src/execute/chunk.ts';
import { Reassembler } from '../../src/execute/reassembler.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

function piece(firstOrdinal: number, count: number): Piece {
  const values = Array.from({ length: count }, (_, index) => `v${firstOrdinal + index}`);
  return { firstOrdinal, values, failures: [], skipped: [] };
}

/** Pieces that cover `[0, total)`, of the given sizes. */
function cover(sizes: readonly number[]): Piece[] {
  let first = 0;
  return sizes.map((size) => {
    const made = piece(first, size);
    first += size;
    return made;
  });
}

function releaseAll(total: number, order: readonly Piece[]): string[] {
  const reassembler = new Reassembler(total);
  return order.flatMap((next) =>
    reassembler.accept(next).flatMap(({ values }) => values as string[]),
  );
}

const inOrder = (total: number) => Array.from({ length: total }, (_, index) => `v${index}`);

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    const rest = [...items.slice(0, index), ...items.slice(index + 1)];
    for (const tail of permutations(rest)) yield [item, ...tail];
  }
}

test('all 40,320 completion orders of eight chunks give the input order', () => {
  const pieces = cover([1, 2, 3, 1, 4, 2, 1, 2]);
  const expected = inOrder(16).join();
  let count = 0;
  for (const order of permutations(pieces)) {
    count += 1;
    if (releaseAll(16, order).join() !== expected)
      assert.unreachable(`wrong order: ${order.map((p) => p.firstOrdinal)}`);
  }
  assert.is(count, 40_320);
  reportCases(count, 'completion orders of 8 chunks');
});

test('random completion orders of a thousand chunks give the input order', () => {
  const runs = cases(300, 100_000);
  const random = fc.property(
    fc.shuffledSubarray(cover(Array.from({ length: 1000 }, (_, index) => 1 + (index % 3))), {
      minLength: 1000,
      maxLength: 1000,
    }),
    (order) => {
      assert.equal(releaseAll(1999, order), inOrder(1999));
    },
  );
  fc.assert(random, { seed, numRuns: runs });
  reportCases(runs, 'completion orders of 1,000 chunks');
});

test('pieces that come twice, late or for unknown runs are counted and never used', () => {
  const runs = cases(2_000, 10_000);
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 });
  const property = fc.property(sizes, fc.infiniteStream(fc.nat()), (chosen, naturals) => {
    const pieces = cover(chosen);
    const total = chosen.reduce((sum, size) => sum + size, 0);
    const stream = naturals[Symbol.iterator]();
    const next = (below: number) => (stream.next().value as number) % below;
    const arrivals: Piece[] = [];
    for (const one of pieces) {
      arrivals.splice(next(arrivals.length + 1), 0, one);
      if (next(2) === 0) arrivals.splice(next(arrivals.length + 1), 0, one);
      if (next(4) === 0) arrivals.splice(next(arrivals.length + 1), 0, piece(total + next(3), 1));
    }
    const reassembler = new Reassembler(total);
    const released = arrivals.flatMap((arrival) =>
      reassembler.accept(arrival).flatMap(({ values }) => values as string[]),
    );
    assert.equal(released, inOrder(total));
    assert.is(reassembler.refused, arrivals.length - pieces.length);
    assert.is(reassembler.waiting, 0);
  });
  fc.assert(property, { seed, numRuns: runs });
  reportCases(runs, 'deliveries with duplicates and strangers');
});

test.run();
