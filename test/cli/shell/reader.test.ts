/** The reader on streams that look like a terminal. */
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { highlight } from '../../../src/cli/shell/highlight.ts';
import { History } from '../../../src/cli/shell/history.ts';
import { Reader } from '../../../src/cli/shell/reader.ts';

/** A reader, its keyboard, and what it wrote. */
function openReader(colours: boolean) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => modes.push(isRaw),
  });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  const screen: string[] = [];
  output.on('data', (data) => screen.push(String(data)));
  const reader = new Reader({
    input,
    output,
    history: new History(undefined),
    complete: async (text) => [text.endsWith('sel') ? ['select'] : [], 'sel'],
    highlight: colours ? highlight : undefined,
  });
  return { reader, input, modes, screen: () => screen.join('') };
}

test('raw mode is on while the reader asks, and off while a statement runs', async () => {
  const { reader, input, modes } = openReader(false);
  input.write('SELECT 1\r;\rSELECT 2; SELECT 3; SEL\r');
  assert.is(await reader.next(), 'SELECT 1\n;');
  assert.is(modes.at(-1), false);
  assert.is(await reader.next(), 'SELECT 2; SELECT 3;');
  const rest = reader.next();
  await turn();
  assert.is(modes.at(-1), true);
  input.write('ECT 4;\r');
  assert.is(await rest, 'SEL\nECT 4;');
  reader.close();
});

test('the line is coloured over itself, and the cursor comes back', async () => {
  const { reader, input, screen } = openReader(true);
  const asked = reader.next();
  await turn();
  input.write("SELECT 'a'");
  await turn();
  await turn();
  assert.ok(screen().includes("\x1b7\rrvbbit> \x1b[34mSELECT\x1b[39m \x1b[32m'a'\x1b[39m\x1b8"));
  input.write(';\r');
  assert.is(await asked, "SELECT 'a';");
  reader.close();
});

test('the end of the input ends the reader, with what is complete first', async () => {
  const { reader, input } = openReader(false);
  input.write('.tables\rSELECT 1\r\x04');
  assert.is(await reader.next(), '.tables');
  assert.is(await reader.next(), undefined);
  reader.close();
});

test.run();
