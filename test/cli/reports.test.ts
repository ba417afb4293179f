/** What the commands that report take and refuse. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DiskJournal } from '../../src/journal/disk/disk-journal.ts';
import { answered, keyOf, started } from '../journal/support.ts';
import { readRecords } from '../kill/journal-files.ts';
import { mapOf, openServer, rowsOf, withPlace } from './resume-support.ts';

await openServer(test);

test('an option that an action has no use for is refused by its name', () =>
  withPlace({}, {}, async (place) => {
    for (const [words, option] of [
      ['journal verify --dry-run', '--dry-run'],
      ['journal compact --max-size 1GB', '--max-size'],
      ['cache stats --limit 3', '--limit'],
      ['cache stats --yes', '--yes'],
      ['cache list --yes', '--yes'],
      ['cache show k --model m', '--model'],
      ['cache show k --format csv', '--format'],
      ['cache clear --limit 3 --yes', '--limit'],
      ['ops show MEANS --force', '--force'],
      ['ops eject MEANS --format csv', '--format'],
      ['ops list --force', '--force'],
    ] as const) {
      const { code, stderr } = await place.rvbbit(words.split(' '));
      assert.is(code, 2, words);
      assert.match(stderr, `has no ${option}\n`);
    }
    assert.not.ok(existsSync(join(place.folder, 'operators')));
  }));

test('stored answers are counted, listed and cleared by model and age', () =>
  withPlace({}, {}, async (place) => {
    const journal = await DiskJournal.open(place.stateDir);
    for (const [n, days] of [9, 8, 6].entries()) {
      const at = (Date.now() - days * 86_400_000) * 1_000;
      journal.append(started(n, keyOf(n), at));
      journal.append(answered(n, keyOf(n), `${days} days`, at));
    }
    await journal.close();
    const cache = (...words: string[]) => place.rvbbit(['cache', ...words]);
    const texts = async (...words: string[]) =>
      rowsOf((await cache('list', ...words)).stdout).map((row) => (row as { text: string }).text);
    assert.equal(await texts(), ['6 days', '8 days', '9 days']);
    assert.equal(await texts('--older-than', '7d'), ['8 days', '9 days']);
    assert.equal(await texts('--older-than', '7d', '--limit', '1'), ['8 days']);
    assert.equal(await texts('--older-than', '7d', '--model', 'sim/m'), ['8 days', '9 days']);
    assert.is((await cache('list', '--model', 'other')).stdout, '');
    const [stats] = rowsOf((await cache('stats', '--older-than', '7d')).stdout);
    assert.is((stats as { answers: number }).answers, 2);
    assert.is((await cache('clear', '--older-than', '7d', '--yes')).code, 0);
    assert.equal(await texts(), ['6 days']);
    assert.is((await cache('list', '--older-than', '7')).code, 2);
  }));

test('resume --list writes a file where it is given one, and takes no option of a run', () =>
  withPlace({}, {}, async (place) => {
    await place.rvbbit(['-c', `${mapOf(10)} WITH (max_calls = 3)`]);
    const file = join(place.folder, 'list.csv');
    const { code, stdout, stderr } = await place.rvbbit(['resume', '--list', '-o', file]);
    assert.equal([code, stdout, stderr], [0, '', '']);
    assert.match(readFileSync(file, 'utf8'), /^session,started,.*\nudf-.*,budget,/);
    for (const args of [
      ['-o', 'list.parquet'],
      ['--format', 'parquet'],
      ['--param', 'a=1'],
      ['--stats'],
    ]) {
      assert.is((await place.rvbbit(['resume', '--list', ...args])).code, 2, args.join(' '));
    }
    assert.not.ok(existsSync(join(place.folder, 'list.parquet')));
  }));

test('what run asks for is on record as of the command line', () =>
  withPlace({}, {}, async (place) => {
    assert.is((await place.rvbbit(['run', 'ask.yaml', '--input', '{"n":1}'])).code, 0);
    const open = readRecords(place.stateDir).find(({ t }) => t === 'statement.open');
    assert.is((open as unknown as { origin: string }).origin, 'cli');
  }));

test.run();
