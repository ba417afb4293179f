/** docs/cli.md, docs/commands.md and the tables of commands and options say the same. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { helpText } from '../../src/cli/help.ts';
import { COMMANDS, type CommandName, OPTIONS } from '../../src/cli/options.ts';
import { parseArgs } from '../../src/cli/parse-args.ts';

const DOCS = ['cli', 'commands']
  .map((page) => readFileSync(new URL(`../../../docs/${page}.md`, import.meta.url), 'utf8'))
  .join('\n');
const NAMES = Object.keys(COMMANDS) as CommandName[];

/** What stands under the heading of a command. */
function sectionOf(command: CommandName): string {
  const heading = command === 'query' ? 'Running statements' : `rvbbit ${command}`;
  const section = DOCS.split(/^## /m).find((text) =>
    new RegExp(`^${heading}(?: show)?\n`).test(text),
  );
  assert.ok(section !== undefined, `no section for ${command}`);
  return section!;
}

function flagsIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w-])--[a-z]+(?:-[a-z]+)*/g) ?? [])].sort();
}

for (const command of NAMES) {
  test(`the documentation of ${command} names every option that it has, and no other`, () => {
    const own = OPTIONS.filter(({ commands }) => commands.includes(command));
    // What every command has is told once.
    const told = own.filter(
      ({ commands }) => command === 'query' || commands.length < NAMES.length,
    );
    assert.equal(flagsIn(sectionOf(command)), flagsIn(told.map(({ flags }) => flags).join(' ')));
  });
}

test('the synopsis names every command', () => {
  const [, line = ''] = /^rvbbit (run \|.*)$/m.exec(DOCS) ?? [];
  const named = line.split(/[^a-z]+/).filter((word) => word !== '');
  assert.equal(named.sort(), [...NAMES.filter((name) => name !== 'query'), 'help'].sort());
});

test("the examples of a command's help are command lines that it takes", async () => {
  for (const name of NAMES) {
    const examples = helpText(name).split('Examples:\n')[1]!.split('\n\n')[0]!.split('\n');
    for (const example of examples) {
      const args = (example.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) =>
        word.replace(/^['"]|['"]$/g, ''),
      );
      assert.is(args.shift(), 'rvbbit');
      assert.is(parseArgs(args).command, name, example);
    }
  }
});

test.run();
