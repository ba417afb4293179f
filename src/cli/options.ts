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
  readonly batch?: string;
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
  readonly from?: number;
  /** The largest whole number, if it is not nine digits long. */
  readonly to?: number;
  /** Set for a repeatable option, of which every value is kept. `sql` and `file` share one list. */
  readonly collect?: 'sql' | 'file' | 'param' | 'list';
}

const MAX_PORT = 65_535;
const ALL = Object.keys(COMMANDS).join(' ');
const SERVE = 'serve server';
const ENGINE = `query run test explain resume jobs ${SERVE}`;

/**
 * Every option of every command, in the order of `--help`: its flags, its commands, its kind, its help. The kinds:
 * `collect LIST` (see `OptionRow.collect`), `choice WORD…`, `number` or `number FROM-TO` (whole), `dollars`; a flag, or any
 * text, has none.
 */
const TABLE = `
-c, --command <sql> | query | collect sql | run this SQL; repeatable, in the order given
-c, --command <sql> | explain | collect sql | explain this SQL
-f, --file <path> | query | collect file | run this file; repeatable; - is standard input
-f, --file <path> | explain | collect file | explain what this file holds; - is standard input
--list | resume | | say what there is to resume
--param <name=value> | query explain resume | collect param | bind $name; JSON if it parses, else text; 1=… binds $1
--input <json> | run | | the cascade's input: JSON, @file, or - for standard input
--outputs | run | | print every cell's output, by cell
--format <name> | query resume | choice ${FORMATS.join(' ')} | default: by the name of -o; else table on a terminal, jsonl elsewhere
--format <name> | explain | choice text tree json | default: text
--format <name> | jobs journal cache cost ops user | choice table jsonl json csv tsv markdown line | default: table on a terminal, jsonl elsewhere
--state-dir <dir> | query run test explain jobs journal report cache cost log resume ${SERVE} | | where the journal is kept (default: ./.rvbbit)
-f, --follow | log | | show calls as they end, until Ctrl-C
--verbose | log | | also statements, chunks of runs, stored answers, and calls as they go out
--limit <n> | log | number | lines shown of what has been (default 20)
--by <what> | cost | choice model statement cascade day caller label | what it is added up by (default: model)
--no-state | query run test ${SERVE} | | keep no journal: nothing is found again by later runs
--timeout <time> | jobs | | await: the longest wait, e.g. 90s, 2h (default: 1h)
--older-than <time> | journal | | compact, prune: what is older, e.g. 12h, 30d
--older-than <time> | cache | | stats, list, clear: answers that are older, e.g. 12h, 30d
--max-size <size> | journal | | prune: the oldest, down to this size, e.g. 500MB, 1GB
--dry-run | journal | | compact, prune: say what would be done, and do nothing
--limit <n> | cache | number | list: answers shown (default 20)
--model <name> | cache | | stats, list, clear: answers of this model alone
--yes | cache | | clear: do it
-o, --output <file> | query resume | | write results to a file, whole or not at all
--models <names> | test | | ask each of these models, with commas between them, and compare
--data <file> | test | | labelled rows in CSV, Parquet or JSON, in place of the test cases
--label <column> | test | | the column of the right answers (default: expected)
--at-least <percent> | test | number | exit with 1 where a model agrees with fewer of the rows
--batch <numbers> | test | | compare so many rows in one call, e.g. 1,16; no stored answer is used
--parallel <n> | test | number | rows at a time in a comparison (default: 10)
--workload <name> | bench | | 'auto' for generated statements, or a file of SQL
-o, --output <dir> | bench | | where the collection is kept, and gone on with (default: ./collection)
--model <name> | bench | | ask this model, and pay for it (default: a simulated server)
--limit <n> | bench | number | auto: statements that are generated (default 60)
-o, --output <file> | report | | default: rvbbit-report-SESSION.html, with --trace .json; - is standard output
--trace | report | | write a trace for Perfetto (ui.perfetto.dev) in place of the page
--last | query | | print only the last result set
--all | query resume | | table: show every row
--keep-going | query | | go on after a statement that failed
--database <file> | run test explain bench | | the DuckDB file to work on (default: in memory)
--readonly | query | | open the database read-only: nothing in it can be changed
--init <file> | query | | run this file before everything else
-s, --silent | query | | the shell shows no banner
--cascades <dir> | ${ENGINE} doctor ops bench serve | collect list | the cascade root (default: the working folder); repeatable: the first that has a file
--parallel <n> | query explain ${SERVE} | number | cascades at a time where a statement does not say PARALLEL
--parallel <n> | resume | number | cascades at a time, whatever the statement says (default: as in the last run)
--threads <n> | ${ENGINE} doctor bench serve | number | worker threads
--stats | query resume | | each statement's summary as a line of JSON on stderr
--json | doctor config test | | print the report as JSON
--examples | init | | copy the package's examples in place of a small project
--force | init ops | | overwrite files
--port <n> | ${SERVE} | number 0-${MAX_PORT} | listen on this port (default: 15432; 0: a free one)
--host <address> | ${SERVE} | | listen on this address of this machine (default: 127.0.0.1)
--databases <dir> | ${SERVE} | | a folder of databases: NAME.duckdb is the database NAME
--connections <n> | ${SERVE} | number | clients at a time (default: 200)
--idle <time> | ${SERVE} | | close a client that sends nothing for this long, e.g. 30m, 8h (default: never)
--users <file> | ${SERVE} | | who may log in: a file that rvbbit user writes (default: everybody of this machine)
--tls-cert <file> | ${SERVE} | | take TLS connections with this certificate (PEM, the whole chain)
--tls-key <file> | ${SERVE} | | the key of the certificate (PEM)
--port <n> | sim | number 1-${MAX_PORT} | listen on this port of 127.0.0.1 (default: a free one)
--latency <kind> | sim | | constant:500, uniform:100:900, lognormal:500:0.8 or pareto:100:1.5 (ms)
--seed <n> | sim | number | of latencies and random faults
--seed <n> | bench | number | auto: of what is drawn
--rpm <n> | sim | number | answer 429 beyond so many requests in any minute
--faults <file> | sim | | rules, or any option of the server, in YAML or JSON
--answers <kind> | sim | choice echo hash json | how prompts are answered; default: echo
--directives | sim | | let a line \`sim: {…}\` of a prompt script its call
--users <file> | user | | the users file (default: rvbbit.users.yaml)
--role <role> | user | choice read-only read-write | add: what the user may do (default: read-only)
--max-cost <dollars> | user | dollars | add: for model calls, a day
--max-rows <n> | user | number | add: rows of one result
--max-statements <n> | user | number | add: statements at a time
--read-write | serve | | let statements write to the database, and read and write files
--max-cost <dollars> | serve | dollars | for model calls, until the server ends (default: no limit)
--max-calls <n> | serve | number | model calls, until the server ends (default: 1000)
--max-rows <n> | serve | number | rows that a query hands to the agent (default: 200)
--metrics-port <n> | ${SERVE} | number 1-${MAX_PORT} | answer /metrics and /healthz on this port of 127.0.0.1
--log <file> | ${SERVE} | | a line of JSON for each statement, without values; - is standard error
--verbose | sim | | a line on stderr for every call
-q, --quiet | ${ALL} | | no progress, summaries or notes on stderr
--no-color | ${ALL} | | no colours; NO_COLOR and FORCE_COLOR are obeyed too
--version | ${ALL} | | print the version
-h, --help | ${ALL} | | print this help
`;

/** Every option of every command, in the order of `--help`. */
export const OPTIONS: readonly OptionRow[] = TABLE.trim().split('\n').map(readRow);

function readRow(line: string): OptionRow {
  const [flags = '', commands = '', kind = '', help = ''] = line
    .split('|')
    .map((cell) => cell.trim());
  const [type, ...words] = kind.split(' ');
  const [from, to] = words[0]?.split('-').map(Number) ?? [];
  return {
    flags,
    help,
    commands: commands.split(' ') as CommandName[],
    ...(type === 'collect' ? { collect: words[0] as NonNullable<OptionRow['collect']> } : {}),
    ...(type === 'choice' ? { choices: words } : {}),
    ...(type === 'number' ? { number: true } : {}),
    ...(type === 'number' && to !== undefined ? { from: from!, to } : {}),
    ...(type === 'dollars' ? { number: 'dollars' } : {}),
  };
}

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
