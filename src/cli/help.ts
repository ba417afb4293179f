/** `--help` and `--version`. */
import { COMMANDS, type CommandName } from './command-names.ts';
import { OPTIONS } from './options.ts';

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
  test: ['rvbbit test', 'rvbbit test --cascades cascades band.yaml'],
  explain: [`rvbbit explain "RVBBIT MAP 'band.yaml' USING (SELECT 20 AS price)"`],
  doctor: ['rvbbit doctor', 'rvbbit doctor --json'],
  resume: ['rvbbit resume --list', 'rvbbit resume udf-clever-fox shop.duckdb'],
  journal: [
    'rvbbit journal verify',
    'rvbbit journal compact --older-than 7d',
    'rvbbit journal prune --older-than 90d --max-size 1GB --dry-run',
  ],
  cache: [
    'rvbbit cache stats',
    'rvbbit cache list --model gpt-4o-mini --limit 5',
    'rvbbit cache clear --older-than 7d --yes',
  ],
  config: ['rvbbit config show', 'rvbbit config show --json'],
  ops: ['rvbbit ops list', 'rvbbit ops show MEANS', 'rvbbit ops eject MEANS'],
  init: ['rvbbit init my-project'],
  sim: [
    'rvbbit sim --latency lognormal:500:0.8 --rpm 600',
    'rvbbit sim --faults faults.yaml --verbose',
  ],
};

const EXIT_CODES = `Exit codes, the first that applies: 130 interrupted, 2 usage, 3 cannot open, 6 budget reached,
4 deadline passed, 1 a statement failed, 5 some rows failed, 0.`;

/** The help text of a command. */
export function helpText(command: CommandName): string {
  const rows = OPTIONS.filter(({ commands }) => commands.includes(command));
  const isQuery = command === 'query';
  return [
    `Usage: rvbbit ${COMMANDS[command].usage} [options]`,
    '',
    isQuery
      ? 'Runs SQL on DuckDB, and cascades over its rows.'
      : sentence(COMMANDS[command].summary),
    ...(isQuery ? ['', 'Commands:', ...commandLines()] : []),
    '',
    'Options:',
    ...rows.map(({ flags, help, choices }) => {
      const values = choices !== undefined && isQuery ? ` (${choices.join(', ')})` : '';
      return `  ${flags.startsWith('--') ? `    ${flags}` : flags}`.padEnd(29) + help + values;
    }),
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
    .map(([, { usage, summary }]) => `  ${usage.padEnd(26)} ${summary}`);
  return [...lines, `  ${'help [command]'.padEnd(26)} this help, or that of a command`];
}
