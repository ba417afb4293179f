/** The commands, as `--help` shows them. */

/** The subcommands; `query` is what runs where the first word is none of them. */
export const COMMANDS = {
  query: { usage: '[db] [-c SQL | -f file | < file]', summary: 'run SQL and RVBBIT statements' },
  run: { usage: 'run <cascade.yaml>', summary: 'run one cascade on one input and print its value' },
  test: { usage: 'test [cascade.yaml…]', summary: "run the cascades' own test cases" },
  explain: { usage: "explain ['SQL']", summary: 'say what a statement would do, and ask nothing' },
  doctor: { usage: 'doctor', summary: 'check the installation by running a small cascade' },
  resume: {
    usage: 'resume --list | <session> [db]',
    summary: 'go on with a statement that was killed or stopped',
  },
  journal: {
    usage: 'journal verify|compact|prune',
    summary: 'check the journal on disk, or make it smaller',
  },
  cache: {
    usage: 'cache stats|list|show|clear',
    summary: 'look at stored model answers, or clear them',
  },
  config: { usage: 'config show', summary: 'print the settings that count, without secrets' },
  ops: {
    usage: 'ops list|show|eject',
    summary: 'the semantic operators: see them, or copy one to change it',
  },
  init: { usage: 'init [dir]', summary: 'make a working folder with an example' },
  sim: { usage: 'sim', summary: 'start a simulated model server, until Ctrl-C' },
} as const;

/** A command's name. */
export type CommandName = keyof typeof COMMANDS;
