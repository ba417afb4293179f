/** Writes the text of `--help`. */
import { COMMANDS, type CommandName, OPTIONS } from './options.ts';

const EXAMPLES: Readonly<Record<CommandName, readonly string[]>> = {
  query: [
    "rvbbit -c 'SELECT 42 AS answer'",
    'rvbbit shop.duckdb -f report.sql --format csv -o report.csv',
    "rvbbit -c 'SELECT $a + $b AS sum' --param a=2 --param b=3",
  ],
  run: [
    `rvbbit run band.yaml --input '{"price": 20}'`,
    'rvbbit run band.yaml --input @row.json --outputs',
  ],
  test: [
    'rvbbit test',
    'rvbbit test --cascades cascades band.yaml',
    'rvbbit test MEANS --models openai/gpt-4o-mini,ollama/llama3.2 --data labelled.csv',
  ],
  explain: [`rvbbit explain "RVBBIT MAP 'band.yaml' USING (SELECT 20 AS price)"`],
  doctor: ['rvbbit doctor', 'rvbbit doctor --json'],
  resume: ['rvbbit resume --list', 'rvbbit resume udf-clever-fox shop.duckdb'],
  jobs: [
    'rvbbit jobs list',
    'rvbbit jobs await batch-clever-fox-3fa2b1 --timeout 2h',
    'rvbbit jobs cancel batch-clever-fox-3fa2b1',
  ],
  journal: [
    'rvbbit journal verify',
    'rvbbit journal compact --older-than 7d',
    'rvbbit journal prune --older-than 90d --max-size 1GB --dry-run',
  ],
  report: [
    'rvbbit report last',
    'rvbbit report udf-clever-fox -o fox.html',
    'rvbbit report last --trace -o fox.json',
  ],
  cache: [
    'rvbbit cache stats',
    'rvbbit cache list --model gpt-4o-mini --limit 5',
    'rvbbit cache clear --older-than 7d --yes',
  ],
  cost: ['rvbbit cost', 'rvbbit cost --by day --format csv'],
  log: ['rvbbit log', 'rvbbit log -f --verbose'],
  config: ['rvbbit config show', 'rvbbit config show --json'],
  ops: ['rvbbit ops list', 'rvbbit ops show MEANS', 'rvbbit ops eject MEANS'],
  bench: [
    'rvbbit bench collect --workload auto',
    'rvbbit bench collect --workload report.sql --database shop.duckdb -o shop-collection',
  ],
  init: ['rvbbit init my-project', 'rvbbit init --examples'],
  serve: [
    'rvbbit serve sql',
    'rvbbit serve sql shop.duckdb --port 5432 --databases data',
    'rvbbit serve sql shop.duckdb --host 0.0.0.0 --users rvbbit.users.yaml --tls-cert cert.pem --tls-key key.pem',
    'rvbbit serve mcp shop.duckdb --max-cost 2',
    'rvbbit serve mcp shop.duckdb --read-write --cascades cascades --log mcp.log',
  ],
  server: ['rvbbit server --port 15432'],
  user: [
    'rvbbit user add ada --role read-write',
    'rvbbit user add analyst --max-cost 5 --max-rows 100000',
    'rvbbit user list',
  ],
  sim: [
    'rvbbit sim --latency lognormal:500:0.8 --rpm 600',
    'rvbbit sim --faults faults.yaml --verbose',
  ],
};

const EXIT_CODES = `Exit codes, the first that applies: 130 interrupted, 2 usage, 3 cannot open or write,
6 budget reached, 4 deadline passed, 1 a statement failed, 5 some rows failed, 0.`;

const LINE_WIDTH = 100;

/** Returns the help text of a command. */
export function helpText(command: CommandName): string {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command));
  const isQuery = command === 'query';
  return [
    `Usage: rvbbit ${COMMANDS[command].usage} [options]`,
    '',
    isQuery
      ? `Runs SQL on DuckDB, and cascades over its rows. db is a DuckDB file; a new one has a suffix
(shop.duckdb) or a slash (./shop) in its name. Without db the tables are in memory.
Without SQL it opens the shell on a terminal.`
      : sentence(COMMANDS[command].summary),
    ...(isQuery ? ['', 'Commands:', ...commandLines()] : []),
    '',
    'Options:',
    ...inColumns(
      rows.map(({ flags, help, choices }) => [
        flags.startsWith('--') ? `    ${flags}` : flags,
        choices === undefined ? help : `${help} (${choices.join(', ')})`,
      ]),
    ),
    '',
    'Examples:',
    ...EXAMPLES[command].map((example) => `  ${example}`),
    '',
    ...(isQuery ? [EXIT_CODES] : []),
  ]
    .join('\n')
    .trimEnd();
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function commandLines(): string[] {
  const lines = Object.entries(COMMANDS)
    .filter(([name]) => name !== 'query')
    .map(([, { usage, summary }]): [string, string] => [usage, summary]);
  return inColumns([...lines, ['help [command]', 'this help, or that of a command']]);
}

/** Lays rows out in two columns. Breaks the second column between words. */
function inColumns(rows: readonly (readonly [string, string])[]): string[] {
  const indent = Math.max(...rows.map(([left]) => left.length)) + 4;
  return rows.flatMap(([left, right]) => {
    const lines = [''];
    for (const word of right.split(' ')) {
      const line = `${lines.at(-1)} ${word}`.trimStart();
      if (indent + line.length <= LINE_WIDTH) lines[lines.length - 1] = line;
      else lines.push(word);
    }
    return lines.map((line, index) => `  ${index === 0 ? left : ''}`.padEnd(indent) + line);
  });
}
