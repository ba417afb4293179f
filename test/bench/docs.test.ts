/** docs/parallelism.md names the ways, workloads and suites of `npm run bench`: all of them, and no others. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WAYS } from '../../bench/strategies/ways.ts';
import { FULL, familyOf } from '../../bench/strategies/workload.ts';
import { comparisons } from '../../bench/suites/strategies.ts';
import { bench } from './run-bench.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(`${root}docs/parallelism.md`, 'utf8');

/** The text of a section, without its heading. */
function sectionOf(heading: string): string {
  const [, rest] = page.split(`\n## ${heading}\n`);
  assert.ok(rest !== undefined, `the page has a section "${heading}"`);
  return rest.split('\n## ')[0]!;
}

/** What stands between backticks in the first column of a section's table. */
function namesIn(heading: string): string[] {
  const cells = sectionOf(heading).matchAll(/^\| (`[^|]+) \|/gm);
  return [...cells].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );
}

test('the tables on the page have the workloads and ways that the bench prints', () => {
  const [, block = ''] = /^```text\n([\s\S]*?)^```/m.exec(page)!;
  const [head, ...tables] = block.trim().split('\n\n');
  assert.match(head!, /^strategies: .*\n {2}\d+ × .*; node v.*; \d+ fresh processes each$/);
  const shown = tables.map((table) => {
    const [title = '', , ...lines] = table.split('\n');
    return {
      title: title.replace(/; no way takes less than \d+ ms$/, ''),
      ways: lines.map((line) => line.trim().split(/ {2,}/)[0]),
    };
  });
  const printed = comparisons({ full: false }).map(({ workload: { name, about }, ways }) => ({
    title: `${name}: ${about}`,
    ways,
  }));
  assert.equal(shown, printed);
});

test('the page says of each way and of each workload what it is', () => {
  assert.equal(namesIn('What the ways are'), WAYS);
  const families = new Set(FULL.map(familyOf));
  assert.equal(namesIn('The workloads of `--full`').sort(), [...families].sort());
  const longer = comparisons({ full: true }).filter(({ workload }) =>
    /^500 ms/.test(workload.name),
  );
  const figures = [
    ...sectionOf('What waves and fixed slices cost').matchAll(/^\| `(.+)`, (.+?) \|/gm),
  ];
  assert.ok(figures.length > 3);
  for (const [, way, kind] of figures) {
    const compared = longer.filter(({ workload }) => familyOf(workload) === `500 ms ${kind}`);
    assert.is(compared.length, 3, kind);
    for (const { ways } of compared) assert.ok((ways as readonly string[]).includes(way!), way);
  }
});

test('the suites on the page are those of --help, and no page names another one', async () => {
  const { stdout } = await bench('--help');
  const suites = [...stdout.split('Suites:')[1]!.matchAll(/^ {2}(\w+) /gm)].map(
    ([, name]) => name!,
  );
  assert.ok(suites.length > 10);
  assert.equal(namesIn('The other suites').sort(), [...suites].sort());
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(`${root}docs`).map((name) => `docs/${name}`),
  ];
  for (const name of pages) {
    const commands = readFileSync(root + name, 'utf8').matchAll(/npm run bench -- (\w+)/g);
    for (const [command, suite] of commands) {
      assert.ok(suite === 'NAME' || suites.includes(suite!), `${name}: ${command}`);
    }
  }
});

test.run();
