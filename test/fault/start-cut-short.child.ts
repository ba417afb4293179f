/** Ends worker threads while they start, at the moments given in milliseconds; says `done` when it comes to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalDispatcher } from '../../src/execute/local-dispatcher.ts';

for (const ms of JSON.parse(process.argv[2]!) as number[]) {
  const dispatcher = new LocalDispatcher({ threads: 2, workerHeapMb: 256, rssMb: undefined });
  const starting = dispatcher.ready().catch(() => {});
  await sleep(ms);
  await dispatcher.close();
  await starting;
}
console.log('done');
