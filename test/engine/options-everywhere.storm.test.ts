/** Every option and annotation, in every kind of MAP and RUN: it takes effect, or it is refused by its name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANNOTATIONS, OPTIONS } from '../../grammar/index.ts';
import {
  bareValue,
  endModel,
  engineWith,
  KINDS,
  PROBES,
  startModel,
  withoutEffect,
} from './options-support.ts';

let engine: Awaited<ReturnType<typeof engineWith>>;
test.before(async () => {
  engine = await engineWith(await startModel());
});
test.after(async () => {
  await engine.close();
  endModel();
});

test('every option and annotation has a value whose effect can be seen', () => {
  const keys = new Set([...OPTIONS.keys(), ...ANNOTATIONS.keys()]);
  assert.equal(Object.keys(PROBES).sort(), [...keys].sort());
});

for (const [name, kind] of Object.entries(KINDS)) {
  if (kind.verb === undefined) continue;
  test(`${name}: an option takes effect, or is refused by its name`, async () => {
    const given = Object.entries(PROBES).flatMap(([key, { value }]) => [
      { key, way: { before: `-- @ ${key}: ${bareValue(key)}\n` } },
      { key, way: { with: `${key} = ${value}` } },
    ]);
    assert.equal(await withoutEffect(engine, kind, given), []);
  });
}

test.run();
