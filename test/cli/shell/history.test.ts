import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HISTORY_ENTRIES, History, historyFile } from '../../../src/cli/shell/history.ts';
import { makeFolder, removeFolder } from '../spawn.ts';

test('the file is that of RVBBIT_HISTORY, or in the state folder by the XDG rules', () => {
  assert.is(historyFile({ RVBBIT_HISTORY: '/x/y' }), '/x/y');
  assert.is(historyFile({ RVBBIT_HISTORY: 'off' }), undefined);
  assert.is(historyFile({ RVBBIT_HISTORY: '' }), undefined);
  assert.is(historyFile({ XDG_STATE_HOME: '/state' }), join('/state', 'rvbbit', 'history'));
  const own = join(homedir(), '.local', 'state', 'rvbbit', 'history');
  assert.is(historyFile({ XDG_STATE_HOME: 'relative' }), own);
});

test('entries of several lines are kept, the oldest are dropped, and only the owner may read them', () => {
  const folder = makeFolder({});
  try {
    const file = join(folder, 'deep', 'history');
    const history = new History(file);
    for (let index = 0; index < 2 * HISTORY_ENTRIES + 5; index++) history.add(`SELECT\n${index};`);
    history.add(` SELECT 'blank first';`);
    history.add('x'.repeat(30_000));
    assert.is(history.entries.length, HISTORY_ENTRIES);
    const again = new History(file);
    assert.equal(again.entries, history.entries);
    assert.is(again.entries[0], `SELECT\n${2 * HISTORY_ENTRIES + 4};`);
    assert.is(readFileSync(file, 'utf8').split('\n').length, HISTORY_ENTRIES + 5 + 1);
    assert.is(statSync(file).mode & 0o777, 0o600);
  } finally {
    removeFolder(folder);
  }
});

test('a torn last line is dropped, and a file of something else is left alone', () => {
  const folder = makeFolder({ torn: '"SELECT 1;"\n"SELEC', other: 'my notes\nmore notes\n' });
  try {
    const torn = new History(join(folder, 'torn'));
    torn.add('SELECT 2;');
    assert.equal(new History(join(folder, 'torn')).entries, ['SELECT 2;', 'SELECT 1;']);
    const other = new History(join(folder, 'other'));
    other.add('SELECT 3;');
    assert.equal(other.entries, ['SELECT 3;'], 'the session has its own history');
    assert.is(readFileSync(join(folder, 'other'), 'utf8'), 'my notes\nmore notes\n');
    mkdirSync(join(folder, 'folder'));
    new History(join(folder, 'folder')).add('SELECT 4;');
    writeFileSync(join(folder, 'file'), '');
    new History(join(folder, 'file', 'history')).add('SELECT 5;');
    assert.not.ok(existsSync(join(folder, 'file', 'history')));
  } finally {
    removeFolder(folder);
  }
});

test.run();
