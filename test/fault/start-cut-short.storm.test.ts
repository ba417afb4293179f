/** Worker threads that are ended while they start, as by an engine that is closed at once. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases, reportCases } from '../support/cases.ts';
import { random } from './support.ts';

const PROGRAM = fileURLToPath(new URL('start-cut-short.child.js', import.meta.url));
/** A thread is up after some 100 ms. */
const START_MS = 150;

test('the process lives, whenever its threads are ended', async () => {
  const count = cases(60, 600);
  const moments = Array.from({ length: count }, () => random(START_MS));
  const { stdout } = await promisify(execFile)(process.execPath, [
    PROGRAM,
    JSON.stringify(moments),
  ]);
  assert.is(stdout, 'done\n');
  reportCases(count, 'threads ended while they start');
});

test.run();
