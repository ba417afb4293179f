/** Every annotation in every kind of semantic statement, and every key of a cell: it takes effect, or is refused by its name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bareValue,
  CELL_KEYS,
  endModel,
  engineWith,
  KINDS,
  PROBES,
  seen,
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

for (const [name, kind] of Object.entries(KINDS)) {
  if (kind.verb !== undefined) continue;
  test(`${name}: an annotation takes effect, or is refused by its name`, async () => {
    const given = Object.keys(PROBES).map((key) => {
      // A failed answer ends a statement that writes, unless it says otherwise.
      const value = key === 'on_error' && kind.writes === true ? 'null' : bareValue(key);
      return { key, way: { before: `-- @ ${key}: ${value}\n` } };
    });
    assert.equal(await withoutEffect(engine, kind, given), []);
  });
}

for (const [name, kind] of Object.entries(KINDS)) {
  if (kind.explained === true) continue;
  test(`${name}: a key of a cell takes effect`, async () => {
    const before = '-- @ on_error: null\n';
    const suffix = kind.verb === undefined ? '-nothing' : '';
    const base = await seen(engine, kind, { before, suffix }, {});
    for (const key of Object.keys(CELL_KEYS)) {
      const { text } = await seen(engine, kind, { before, suffix: `-${key}` }, {});
      assert.not.equal(text, base.text, key);
    }
  });
}

test.run();
