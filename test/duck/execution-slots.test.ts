import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExecutionSlots } from '../../src/duck/execution-slots.ts';

const ran = (ms: number) => ({ atLeastMs: ms, atMostMs: ms });

test('one slot is kept for statements whose like was short', () => {
  const slots = new ExecutionSlots(2);
  slots.learn("SELECT 'a', 1", ran(3));
  const release = slots.tryAcquire('SELECT new');
  assert.ok(release);
  assert.is(slots.tryAcquire('SELECT other'), undefined);
  const short = slots.tryAcquire("SELECT 'b', 22");
  assert.ok(short);
  assert.is(slots.tryAcquire("SELECT 'c', 3"), undefined);
  release();
  release();
  assert.ok(slots.tryAcquire("SELECT 'c', 3"));
});

test('a statement known to be short waits for a slot, and not for long', async () => {
  const slots = new ExecutionSlots(1);
  slots.learn('SELECT 1', ran(3));
  const release = slots.tryAcquire('SELECT 1')!;
  const soon = slots.acquireSoon('SELECT 2');
  assert.is(await slots.acquireSoon('SELECT new'), undefined);
  release();
  assert.ok(await soon);
  assert.is(await slots.acquireSoon('SELECT 3'), undefined);
});

test('what was long takes a slot after a wait, and what new statements left over', () => {
  const slots = new ExecutionSlots(2);
  slots.learn('SELECT long', ran(900));
  assert.is(slots.tryAcquire('SELECT long'), undefined);
  assert.ok(slots.tryAcquire('SELECT long', 1_000));
  assert.is(slots.tryAcquire('SELECT long', 5_000), undefined);
  slots.learn('SELECT long', ran(2));
  assert.ok(slots.tryAcquire('SELECT long'));
});

test('a statement that may have been kept waiting teaches nothing', () => {
  const slots = new ExecutionSlots(2);
  slots.learn('SELECT 1', { atLeastMs: 1, atMostMs: 60_000 });
  assert.ok(slots.tryAcquire('SELECT 1'));
  assert.is(slots.tryAcquire('SELECT 2'), undefined);
});

test('a process with one thread to spare lets any statement have its slot', () => {
  assert.ok(new ExecutionSlots(1).tryAcquire('SELECT 1'));
});

test.run();
