/** A child of replay.test.ts: appends calls to a recording, as another process does at the same time. */
import { appendToRecording } from '../../src/model/recording.ts';

const [file = '', who = '', count = '0'] = process.argv.slice(2);
for (let index = 0; index < Number(count); index++) {
  const content = `${who} ${index} ${'x'.repeat((index % 50) * 1_000)}`;
  const request = { model: 'm', messages: [{ role: 'user', content }], parameters: {} } as const;
  appendToRecording(file, request, { text: `${who}:${index}`, finishReason: 'stop' });
}
