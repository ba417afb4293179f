/** The pages of the documentation: their length, their index, and their links. What they show is run by the tests of what it shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = readdirSync(`${root}docs`).map((name) => `docs/${name}`);
const all = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...pages,
  'examples/service/README.md',
];
const textOf = (page: string) => readFileSync(root + page, 'utf8');

/** The anchors of a page's headings, made as GitHub makes them. */
function anchorsIn(page: string): string[] {
  const prose = textOf(page).replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

for (const page of all) {
  test(`the links of ${page} lead somewhere`, () => {
    const prose = textOf(page).replace(/^```[\s\S]*?^```/gm, '');
    for (const [whole, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      assert.ok(existsSync(root + file), `${page}: ${whole}`);
      if (anchor !== undefined) {
        assert.ok(anchorsIn(file).includes(anchor), `${page}: ${whole}`);
      }
    }
  });
}

test('no page is longer than 250 lines, and the index names each', () => {
  const index = textOf('docs/README.md');
  for (const page of pages) {
    assert.ok(textOf(page).split('\n').length <= 251, page);
    if (page !== 'docs/README.md') assert.match(index, `(${page.replace('docs/', '')})`);
  }
});

test('every path that ARCHITECTURE.md and CONTRIBUTING.md name is there', () => {
  for (const page of ['ARCHITECTURE.md', 'CONTRIBUTING.md']) {
    const named = textOf(page).matchAll(
      /`((?:src|grammar|workers|bench|test|docs|examples|scripts|\.ci)\/[\w./-]*[\w/])`/g,
    );
    const paths = [...named].map(([, path]) => path!);
    assert.ok(paths.length > 10, page);
    assert.equal(
      paths.filter((path) => !existsSync(root + path)),
      [],
      page,
    );
  }
});

test.run();
