/** The tables of commands and options, which parsing, `--help` and spelling advice use. */
import type { QueryOptions } from '../options.ts';
import { CliError } from './exit-codes.ts';
import { FORMATS, type FormatName } from './format/format.ts';
import type { ScriptInput } from './script.ts';

/** The subcommands. `query` runs if the first word is not a subcommand. */
export const COMMANDS = {
  query: {
    usage: '[db] [-c SQL | -f file | < file]',
    summary: 'run SQL and RVBBIT statements; on a terminal, open the shell',
  },
  run: { usage: 'run <cascade.yaml>', summary: 'run one cascade on one input and print its value' },
  test: {
    usage: 'test [cascade.yaml…]',
    summary: "run the cascades' own test cases, or compare models on labelled rows",
  },
  explain: { usage: "explain ['SQL']", summary: 'say what a statement would do, and ask nothing' },
  doctor: { usage: 'doctor', summary: 'check the installation by running a small cascade' },
  resume: {
    usage: 'resume --list | <session> [db]',
    summary: 'go on with a statement that was killed or stopped',
  },
  jobs: {
    usage: 'jobs list|await|cancel',
    summary: 'statements with ASYNC: see them, wait for one, or cancel it',
  },
  journal: {
    usage: 'journal verify|compact|prune',
    summary: 'check the journal on disk, or make it smaller',
  },
  report: {
    usage: 'report last|<session>',
    summary: 'draw a statement of the journal: timeline, latency, cost',
  },
  cache: {
    usage: 'cache stats|list|show|clear',
    summary: 'look at stored model answers, or clear them',
  },
  cost: {
    usage: 'cost',
    summary: 'what was spent, and what stored answers saved',
  },
  log: {
    usage: 'log',
    summary: 'show the latest model calls, and follow those to come',
  },
  config: { usage: 'config show', summary: 'print the settings that count, without secrets' },
  ops: {
    usage: 'ops list|show|eject',
    summary: 'the semantic operators: see them, or copy one to change it',
  },
  bench: {
    usage: 'bench collect --workload auto|FILE.sql',
    summary: 'run every statement of a workload under each strategy, and collect what it took',
  },
  init: { usage: 'init [dir]', summary: 'make a working folder, or copy the examples' },
  serve: {
    usage: 'serve sql|mcp [db]',
    summary: 'let Postgres clients in (psql, DBeaver, JDBC, …), or an agent by MCP, until Ctrl-C',
  },
  server: { usage: 'server [db]', summary: 'the same as serve sql' },
  user: {
    usage: 'user add|list|remove',
    summary: 'the users of a server: who they are, and what they may do',
  },
  sim: { usage: 'sim', summary: 'start a simulated model server, until Ctrl-C' },
} as const;

/** A command's name. */
export type CommandName = keyof typeof COMMANDS;

/** The options that resume a statement of an earlier session. */
export type ResumeOptions = Pick<QueryOptions, 'resumes' | 'resumeParallel'>;

/** The options of a command line. An option that is not given is absent. */
export interface CliOptions {
  /** `-c` and `-f`, in the order given. */
  readonly inputs: readonly ScriptInput[];
  readonly param: readonly string[];
  readonly format?: FormatName;
  readonly output?: string;
  readonly last?: boolean;
  readonly keepGoing?: boolean;
  readonly all?: boolean;
  readonly database?: string;
  readonly readonly?: boolean;
  readonly init?: string;
  readonly silent?: boolean;
  readonly cascades?: readonly string[];
  readonly parallel?: number;
  readonly threads?: number;
  readonly stats?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly input?: string;
  readonly outputs?: boolean;
  readonly json?: boolean;
  readonly force?: boolean;
  readonly examples?: boolean;
  readonly port?: number;
  readonly host?: string;
  readonly databases?: string;
  readonly connections?: number;
  readonly idle?: string;
  readonly latency?: string;
  readonly seed?: number;
  readonly rpm?: number;
  readonly faults?: string;
  readonly answers?: string;
  readonly directives?: boolean;
  readonly list?: boolean;
  readonly trace?: boolean;
  /** What is resumed, and how. The `resume` command sets it; it is no option of the command line. */
  readonly resume?: ResumeOptions;
  readonly stateDir?: string;
  readonly state?: boolean;
  readonly timeout?: string;
  readonly olderThan?: string;
  readonly maxSize?: string;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly model?: string;
  readonly models?: string;
  readonly data?: string;
  readonly label?: string;
  readonly atLeast?: number;
  readonly workload?: string;
  readonly by?: string;
  readonly follow?: boolean;
  readonly users?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly role?: string;
  readonly maxCost?: number;
  readonly maxCalls?: number;
  readonly maxRows?: number;
  readonly maxStatements?: number;
  readonly readWrite?: boolean;
  readonly metricsPort?: number;
  readonly log?: string;
  readonly yes?: boolean;
  readonly verbose?: boolean;
  readonly help?: boolean;
  readonly version?: boolean;
}

/** One option in the table of options. */
export interface OptionRow {
  readonly flags: string;
  readonly help: string;
  readonly commands: readonly CommandName[];
  readonly choices?: readonly string[];
  /** A whole number from 1; or an amount of US dollars, which may have a fraction or be 0. */
  readonly number?: true | 'dollars';
  /** The smallest whole number; 1 if absent. */
  readonly from?: 0;
  /** The largest whole number, if it is not nine digits long. */
  readonly to?: number;
  /** Set for a repeatable option, of which every value is kept. `sql` and `file` share one list. */
  readonly collect?: 'sql' | 'file' | 'param' | 'list';
}

const MAX_PORT = 65_535;
const ALL = Object.keys(COMMANDS) as CommandName[];
const SERVE: readonly CommandName[] = ['serve', 'server'];
const ENGINE: readonly CommandName[] = [
  'query',
  'run',
  'test',
  'explain',
  'resume',
  'jobs',
  ...SERVE,
];

/** Every option of every command, in the order of `--help`. */
export const OPTIONS: readonly OptionRow[] = [
  {
    flags: '-c, --command <sql>',
    help: 'run this SQL; repeatable, in the order given',
    commands: ['query'],
    collect: 'sql',
  },
  {
    flags: '-c, --command <sql>',
    help: 'explain this SQL',
    commands: ['explain'],
    collect: 'sql',
  },
  {
    flags: '-f, --file <path>',
    help: 'run this file; repeatable; - is standard input',
    commands: ['query'],
    collect: 'file',
  },
  {
    flags: '-f, --file <path>',
    help: 'explain what this file holds; - is standard input',
    commands: ['explain'],
    collect: 'file',
  },
  { flags: '--list', help: 'say what there is to resume', commands: ['resume'] },
  {
    flags: '--param <name=value>',
    help: 'bind $name; JSON if it parses, else text; 1=… binds $1',
    commands: ['query', 'explain', 'resume'],
    collect: 'param',
  },
  {
    flags: '--input <json>',
    help: "the cascade's input: JSON, @file, or - for standard input",
    commands: ['run'],
  },
  { flags: '--outputs', help: "print every cell's output, by cell", commands: ['run'] },
  {
    flags: '--format <name>',
    help: 'default: by the name of -o; else table on a terminal, jsonl elsewhere',
    commands: ['query', 'resume'],
    choices: FORMATS,
  },
  {
    flags: '--format <name>',
    help: 'default: text',
    commands: ['explain'],
    choices: ['text', 'tree', 'json'],
  },
  {
    flags: '--format <name>',
    help: 'default: table on a terminal, jsonl elsewhere',
    commands: ['jobs', 'journal', 'cache', 'cost', 'ops', 'user'],
    choices: ['table', 'jsonl', 'json', 'csv', 'tsv', 'markdown', 'line'],
  },
  {
    flags: '--state-dir <dir>',
    help: 'where the journal is kept (default: ./.rvbbit)',
    commands: [
      'query',
      'run',
      'test',
      'explain',
      'jobs',
      'journal',
      'report',
      'cache',
      'cost',
      'log',
      'resume',
      ...SERVE,
    ],
  },
  {
    flags: '-f, --follow',
    help: 'show calls as they end, until Ctrl-C',
    commands: ['log'],
  },
  {
    flags: '--verbose',
    help: 'also statements, chunks of runs, stored answers, and calls as they go out',
    commands: ['log'],
  },
  {
    flags: '--limit <n>',
    help: 'lines shown of what has been (default 20)',
    commands: ['log'],
    number: true,
  },
  {
    flags: '--by <what>',
    help: 'what it is added up by (default: model)',
    commands: ['cost'],
    choices: ['model', 'statement', 'cascade', 'day', 'caller', 'label'],
  },
  {
    flags: '--no-state',
    help: 'keep no journal: nothing is found again by later runs',
    commands: ['query', 'run', 'test', ...SERVE],
  },
  {
    flags: '--timeout <time>',
    help: 'await: the longest wait, e.g. 90s, 2h (default: 1h)',
    commands: ['jobs'],
  },
  {
    flags: '--older-than <time>',
    help: 'compact, prune: what is older, e.g. 12h, 30d',
    commands: ['journal'],
  },
  {
    flags: '--older-than <time>',
    help: 'stats, list, clear: answers that are older, e.g. 12h, 30d',
    commands: ['cache'],
  },
  {
    flags: '--max-size <size>',
    help: 'prune: the oldest, down to this size, e.g. 500MB, 1GB',
    commands: ['journal'],
  },
  {
    flags: '--dry-run',
    help: 'compact, prune: say what would be done, and do nothing',
    commands: ['journal'],
  },
  {
    flags: '--limit <n>',
    help: 'list: answers shown (default 20)',
    commands: ['cache'],
    number: true,
  },
  {
    flags: '--model <name>',
    help: 'stats, list, clear: answers of this model alone',
    commands: ['cache'],
  },
  { flags: '--yes', help: 'clear: do it', commands: ['cache'] },
  {
    flags: '-o, --output <file>',
    help: 'write results to a file, whole or not at all',
    commands: ['query', 'resume'],
  },
  {
    flags: '--models <names>',
    help: 'ask each of these models, with commas between them, and compare',
    commands: ['test'],
  },
  {
    flags: '--data <file>',
    help: 'labelled rows in CSV, Parquet or JSON, in place of the test cases',
    commands: ['test'],
  },
  {
    flags: '--label <column>',
    help: 'the column of the right answers (default: expected)',
    commands: ['test'],
  },
  {
    flags: '--at-least <percent>',
    help: 'exit with 1 where a model agrees with fewer of the rows',
    commands: ['test'],
    number: true,
  },
  {
    flags: '--parallel <n>',
    help: 'rows at a time in a comparison (default: 10)',
    commands: ['test'],
    number: true,
  },
  {
    flags: '--workload <name>',
    help: "'auto' for generated statements, or a file of SQL",
    commands: ['bench'],
  },
  {
    flags: '-o, --output <dir>',
    help: 'where the collection is kept, and gone on with (default: ./collection)',
    commands: ['bench'],
  },
  {
    flags: '--model <name>',
    help: 'ask this model, and pay for it (default: a simulated server)',
    commands: ['bench'],
  },
  {
    flags: '--limit <n>',
    help: 'auto: statements that are generated (default 60)',
    commands: ['bench'],
    number: true,
  },
  {
    flags: '-o, --output <file>',
    help: 'default: rvbbit-report-SESSION.html, with --trace .json; - is standard output',
    commands: ['report'],
  },
  {
    flags: '--trace',
    help: 'write a trace for Perfetto (ui.perfetto.dev) in place of the page',
    commands: ['report'],
  },
  { flags: '--last', help: 'print only the last result set', commands: ['query'] },
  { flags: '--all', help: 'table: show every row', commands: ['query', 'resume'] },
  { flags: '--keep-going', help: 'go on after a statement that failed', commands: ['query'] },
  {
    flags: '--database <file>',
    help: 'the DuckDB file to work on (default: in memory)',
    commands: ['run', 'test', 'explain', 'bench'],
  },
  {
    flags: '--readonly',
    help: 'open the database read-only: nothing in it can be changed',
    commands: ['query'],
  },
  { flags: '--init <file>', help: 'run this file before everything else', commands: ['query'] },
  { flags: '-s, --silent', help: 'the shell shows no banner', commands: ['query'] },
  {
    flags: '--cascades <dir>',
    help: 'the cascade root (default: the working folder); repeatable: the first that has a file',
    commands: [...ENGINE, 'doctor', 'ops', 'bench', 'serve'],
    collect: 'list',
  },
  {
    flags: '--parallel <n>',
    help: 'cascades at a time where a statement does not say PARALLEL',
    commands: ['query', 'explain', ...SERVE],
    number: true,
  },
  {
    flags: '--parallel <n>',
    help: 'cascades at a time, whatever the statement says (default: as in the last run)',
    commands: ['resume'],
    number: true,
  },
  {
    flags: '--threads <n>',
    help: 'worker threads',
    commands: [...ENGINE, 'doctor', 'bench', 'serve'],
    number: true,
  },
  {
    flags: '--stats',
    help: "each statement's summary as a line of JSON on stderr",
    commands: ['query', 'resume'],
  },
  { flags: '--json', help: 'print the report as JSON', commands: ['doctor', 'config', 'test'] },
  {
    flags: '--examples',
    help: "copy the package's examples in place of a small project",
    commands: ['init'],
  },
  { flags: '--force', help: 'overwrite files', commands: ['init', 'ops'] },
  {
    flags: '--port <n>',
    help: 'listen on this port (default: 15432; 0: any free one)',
    commands: SERVE,
    number: true,
    to: MAX_PORT,
    from: 0,
  },
  {
    flags: '--host <address>',
    help: 'listen on this address of this machine (default: 127.0.0.1)',
    commands: SERVE,
  },
  {
    flags: '--databases <dir>',
    help: 'a folder of databases: NAME.duckdb is the database NAME',
    commands: SERVE,
  },
  {
    flags: '--connections <n>',
    help: 'clients at a time (default: 200)',
    commands: SERVE,
    number: true,
  },
  {
    flags: '--idle <time>',
    help: 'close a client that sends nothing for this long, e.g. 30m, 8h (default: never)',
    commands: SERVE,
  },
  {
    flags: '--users <file>',
    help: 'who may log in: a file that rvbbit user writes (default: everybody of this machine)',
    commands: SERVE,
  },
  {
    flags: '--tls-cert <file>',
    help: 'take TLS connections with this certificate (PEM, the whole chain)',
    commands: SERVE,
  },
  { flags: '--tls-key <file>', help: 'the key of the certificate (PEM)', commands: SERVE },
  {
    flags: '--port <n>',
    help: 'listen on this port of 127.0.0.1 (default: any free one)',
    commands: ['sim'],
    number: true,
    to: MAX_PORT,
  },
  {
    flags: '--latency <kind>',
    help: 'constant:500, uniform:100:900, lognormal:500:0.8 or pareto:100:1.5 (ms)',
    commands: ['sim'],
  },
  { flags: '--seed <n>', help: 'of latencies and random faults', commands: ['sim'], number: true },
  { flags: '--seed <n>', help: 'auto: of what is drawn', commands: ['bench'], number: true },
  {
    flags: '--rpm <n>',
    help: 'answer 429 beyond so many requests in any minute',
    commands: ['sim'],
    number: true,
  },
  {
    flags: '--faults <file>',
    help: 'rules, or any option of the server, in YAML or JSON',
    commands: ['sim'],
  },
  {
    flags: '--answers <kind>',
    help: 'how prompts are answered; default: echo',
    commands: ['sim'],
    choices: ['echo', 'hash', 'json'],
  },
  {
    flags: '--directives',
    help: 'let a line `sim: {…}` of a prompt script its call',
    commands: ['sim'],
  },
  {
    flags: '--users <file>',
    help: 'the users file (default: rvbbit.users.yaml)',
    commands: ['user'],
  },
  {
    flags: '--role <role>',
    help: 'add: what the user may do (default: read-only)',
    commands: ['user'],
    choices: ['read-only', 'read-write'],
  },
  {
    flags: '--max-cost <dollars>',
    help: 'add: for model calls, a day',
    commands: ['user'],
    number: 'dollars',
  },
  {
    flags: '--max-rows <n>',
    help: 'add: rows of one result',
    commands: ['user'],
    number: true,
  },
  {
    flags: '--max-statements <n>',
    help: 'add: statements at a time',
    commands: ['user'],
    number: true,
  },
  {
    flags: '--read-write',
    help: 'let statements write to the database, and read and write files',
    commands: ['serve'],
  },
  {
    flags: '--max-cost <dollars>',
    help: 'for model calls, until the server ends (default: no limit)',
    commands: ['serve'],
    number: 'dollars',
  },
  {
    flags: '--max-calls <n>',
    help: 'model calls, until the server ends (default: 1000)',
    commands: ['serve'],
    number: true,
  },
  {
    flags: '--max-rows <n>',
    help: 'rows that a query hands to the agent (default: 200)',
    commands: ['serve'],
    number: true,
  },
  {
    flags: '--metrics-port <n>',
    help: 'answer /metrics and /healthz on this port of 127.0.0.1',
    commands: SERVE,
    number: true,
    to: MAX_PORT,
  },
  {
    flags: '--log <file>',
    help: 'a line of JSON for each statement, without values; - is standard error',
    commands: SERVE,
  },
  { flags: '--verbose', help: 'a line on stderr for every call', commands: ['sim'] },
  { flags: '-q, --quiet', help: 'no progress, summaries or notes on stderr', commands: ALL },
  {
    flags: '--no-color',
    help: 'no colours; NO_COLOR and FORCE_COLOR are obeyed too',
    commands: ALL,
  },
  { flags: '--version', help: 'print the version', commands: ALL },
  { flags: '-h, --help', help: 'print this help', commands: ALL },
];

/** Returns the flag of an option's key: `olderThan` → `--older-than`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Throws a usage error for an option that the command takes, but this `action` of the command does not use. */
export function refuseOptions(
  command: string,
  action: string,
  options: CliOptions,
  keys: readonly (keyof CliOptions)[],
): void {
  for (const key of keys) {
    const value = options[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    throw new CliError(
      'usage',
      `${command} ${action} has no ${flagOf(key)}`,
      `rvbbit ${command} --help`,
    );
  }
}
