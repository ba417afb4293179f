/** Takes one sample: a fresh process measures one variant of a suite. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Sample } from './suite.ts';

const SAMPLE_TIMEOUT_MS = 300_000;

/**
 * `program` is the built bench/main.js of this revision or another. All revisions know these arguments, except
 * `timelineFile`, the file for the sample's timeline.
 */
export async function sampleOf(
  program: string,
  suite: string,
  variant: string,
  timelineFile?: string,
): Promise<Sample> {
  const more = timelineFile === undefined ? [] : ['--timeline', timelineFile];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, '--sample', suite, variant, ...more],
    { timeout: SAMPLE_TIMEOUT_MS, maxBuffer: 2 ** 24 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Sample;
}
