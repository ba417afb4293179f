/** Writes a timeline as JSON trace events, which Perfetto and chrome://tracing read. */
import type { Timeline } from './timeline.ts';

const NAMES = { refused: '429', hit: 'stored answers' } as const;

/** Returns the trace. The statement is one process, each lane is a named thread. Times are µs since the start. */
export function traceJson(timeline: Timeline, title: string): string {
  const named = (name: string, tid: number, text: string) => ({
    ...{ ph: 'M', name, pid: 1, tid },
    args: { name: text },
  });
  const lanes = [...new Set(timeline.bars.map(({ lane }) => lane))].sort((a, b) => a - b);
  const bars = [...timeline.bars].sort((a, b) => a.fromUs - b.fromUs);
  const traceEvents = [
    named('process_name', 0, title),
    ...lanes.map((lane) => named('thread_name', lane, lane === 0 ? NAMES.hit : `lane ${lane}`)),
    ...bars.map(({ lane, fromUs, toUs, kind, label, costMicroUsd }) => ({
      ...{ ph: 'X', pid: 1, tid: lane, ts: fromUs, dur: toUs - fromUs, cat: kind },
      name: kind === 'refused' || kind === 'hit' ? NAMES[kind] : kind,
      args: { label, ...(costMicroUsd === undefined ? {} : { costMicroUsd }) },
    })),
  ];
  return JSON.stringify({ displayTimeUnit: 'ms', traceEvents });
}
