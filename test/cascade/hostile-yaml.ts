/** Files that try to kill, stall or fool the reader of cascades. */

const VALID = `cascade_id: shout
inputs_schema: { name: the name }
cells:
  - name: shout
    tool: js
    inputs:
      code: |
        return input.name.toUpperCase()
    timeout: 5s
  - name: count
    tool: sql_data
    when: input.name != ''
    inputs: { query: "SELECT {{ input.name }} AS n" }
    routing: { again: shout }
output: outputs.shout
test_cases: [{ input: { name: a }, expect: A }]
`;

/** A file's name in the report, its bytes, and whether it is a good file. */
export interface HostileFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly valid?: boolean;
}

/** The listed files, well over 120. */
export function listedFiles(): readonly HostileFile[] {
  const files: HostileFile[] = [];
  const add = (name: string, content: string | Uint8Array, valid = false): void => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    files.push({ name, bytes, valid });
  };
  add('a good file', VALID, true);
  add('a good file with a BOM', `\ufeff${VALID}`, true);
  add('a good file with CRLF', VALID.replaceAll('\n', '\r\n'), true);
  const nests: Readonly<Record<string, string>> = {
    '[': '[',
    '{': '{',
    '{a:': '{a: ',
    '- ': '- ',
    '? ': '? ',
    ': ': ': ',
    '- ? ': '- ? ',
    '[{': '[{',
    '- [': '- [',
    '? - ': '? - ',
    '[?': '[? ',
  };
  for (const [name, open] of Object.entries(nests)) {
    for (const depth of [70, 300, 1_000, 5_000, 10_000, 100_000]) {
      add(`${depth} nested ${name}`, open.repeat(depth));
      add(`${depth} nested ${name} below cells`, `cells: ${open.repeat(depth)}`);
    }
  }
  for (const depth of [100, 700]) {
    const lines = Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:`);
    add(`${depth} indented keys`, lines.join('\n'));
    add(`${depth} indented dashes`, lines.map((line) => line.replace('a:', '-')).join('\n'));
    add(`${depth} indented ? and :`, lines.map((line) => line.replace('a:', '? x\n')).join('\n'));
  }
  add('5 MB of text', 'a'.repeat(5_000_000));
  add('5 MB of brackets', '['.repeat(5_000_000));
  add('40,000 keys', Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join('\n'));
  add('2,100 keys', Array.from({ length: 2_100 }, (_, i) => `k${i}: 1`).join('\n'));
  add('20,000 items', `a: [${'1,'.repeat(20_000)}]`);
  add('20,000 quoted texts', '"a" '.repeat(20_000));
  add('20,000 anchors', Array.from({ length: 20_000 }, (_, i) => `&a${i} x: 1`).join('\n'));
  add('an alias bomb', 'a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]');
  add('one alias', 'a: &a 1\nb: *a');
  add('a merge key', 'cells: []\n<<: { a: 1 }');
  add('duplicate keys', 'cells: []\ncells: []');
  add('duplicate keys that differ in quotes', '"cells": []\ncells: []');
  for (const tag of [
    '!!js/function',
    '!!js/regexp',
    '!!python/object',
    '!foo',
    '!!binary',
    '!!str',
  ]) {
    add(`the tag ${tag}`, `cells: ${tag} x`);
  }
  for (const key of ['__proto__', 'constructor', 'prototype', '"__proto__"', '? __proto__\n']) {
    add(`the key ${key}`, `${key}: { polluted: true }\ncells: []`);
    add(`the key ${key} in a cell`, `cells: [{ ${key}: 1 }]`);
  }
  add('UTF-16 little endian', Buffer.from(`\ufeff${VALID}`, 'utf16le'));
  add('UTF-16 big endian', Buffer.from(`\ufeff${VALID}`, 'utf16le').swap16());
  add('invalid UTF-8', Uint8Array.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
  add('NUL', 'cells: "a\0b"');
  add('an escape character', 'cells: \u001b[31m');
  add('tabs', 'cells:\n\t- name: a');
  add('two documents', `${VALID}---\n${VALID}`);
  add('a document end and more', `${VALID}...\n${VALID}`);
  add('a directive', `%YAML 1.1\n---\n${VALID}`);
  add('an unknown directive', `%FOO bar\n---\n${VALID}`);
  add('nothing', '');
  add('only a comment', '# nothing');
  add('a scalar', 'hello');
  add('a list', '- a\n- b');
  add('null', 'null');
  add('a collection as key', '? [a, b]\n: 1\ncells: []');
  add('an unclosed quote', `cells: "${'a\n'.repeat(5_000)}`);
  add('10,000 unclosed quotes', `'"`.repeat(5_000));
  add('.nan', 'cells: .nan');
  add('a number beyond 2^53', 'cells: 12345678901234567890');
  for (const char of [
    '|',
    '>',
    '%',
    '#',
    '&',
    '*',
    '!',
    '\n',
    ' ',
    '\r',
    '-',
    '?',
    ':',
    ',',
    '"',
    "'",
    '---\n',
  ]) {
    add(`10,000 of ${JSON.stringify(char)}`, char.repeat(10_000));
    add(`10,000 lines of ${JSON.stringify(char)}`, `${char} a\n`.repeat(10_000).slice(0, 60_000));
  }
  return files;
}

/** Mutations of good and hostile files: pieces deleted, doubled, swapped and spliced. */
export function mutatedFile(next: () => number): HostileFile {
  const pick = (count: number): number => Math.floor(next() * count);
  const bits = [
    '[',
    '{',
    '- ',
    '? ',
    ': ',
    '&a ',
    '*a',
    '!!x ',
    '"',
    "'",
    '|',
    '>',
    '\n',
    '  ',
    '\t',
    '<<: ',
    '#',
    '%',
    '---\n',
    '\0',
    '\ufeff',
    '{{',
    '}}',
    '{%',
    '$1',
    '__proto__: ',
  ];
  let text = VALID;
  for (let edits = 1 + pick(6); edits > 0; edits--) {
    const at = pick(text.length + 1);
    const end = Math.min(text.length, at + pick(30));
    const kind = pick(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(end);
    else if (kind === 1) text = text.slice(0, end) + text.slice(at);
    else if (kind === 2) {
      text = text.slice(0, at) + bits[pick(bits.length)]!.repeat(1 + pick(200)) + text.slice(at);
    } else {
      const from = pick(VALID.length);
      text = text.slice(0, at) + VALID.slice(from, from + pick(80)) + text.slice(end);
    }
  }
  return { name: `mutated ${JSON.stringify(text)}`, bytes: Buffer.from(text) };
}

/** A small seeded generator (mulberry32), the same in parent and child. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
