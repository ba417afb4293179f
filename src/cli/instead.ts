/** What to type in place of words and options that other tools have. */

const SHELL = 'rvbbit [db] on a terminal is the shell';
const SQL = "rvbbit [db] -c 'SQL', or -f file.sql";
const SERVICE = 'rvbbit serve sql [db] for Postgres clients, rvbbit serve mcp [db] for an agent';
const CHECK = 'rvbbit doctor checks cascade files, and rvbbit test runs their test cases';
const LISTS = "rvbbit -c 'SHOW RVBBIT CASCADES', or rvbbit ops list";

/** For a word that is no command: what does what it asks for. */
export const INSTEAD_OF_WORD: ReadonlyMap<string, string> = new Map([
  ...each('shell repl cli console interactive prompt', SHELL),
  ...each('query sql exec execute select', SQL),
  ...each('start listen daemon mcp http', SERVICE),
  ...each('check validate lint verify', CHECK),
  ...each('cascades cascade operators operator list ls show', LISTS),
  ...each('map', `rvbbit [db] -c "RVBBIT MAP 'cascade' USING (SELECT …)"`),
  ...each('eval evaluate compare', 'rvbbit test CASCADE --models a/x,b/y --data rows.csv'),
  ...each('new create setup', 'rvbbit init [dir]'),
  ...each('model models provider providers settings', 'rvbbit config show'),
  ...each('plan', "rvbbit explain 'SQL'"),
  ...each('spend usage budget', 'rvbbit cost'),
  ...each('compact prune', 'rvbbit journal compact|prune'),
  ...each('eject', 'rvbbit ops eject <name>'),
  ...each('version', 'rvbbit --version'),
]);

/** For an option that `rvbbit [db]` does not have: what does what it asks for. */
export const INSTEAD_OF_OPTION: ReadonlyMap<string, string> = new Map([
  ...each('database db d', 'the database is the first word: rvbbit shop.duckdb'),
  ...each('sql query execute exec e', "-c 'SQL'"),
  ...each('var set', '--param name=value'),
  ...each('out outfile', '-o file'),
  ...each('v V', 'rvbbit --version'),
]);

function each(words: string, instead: string): readonly (readonly [string, string])[] {
  return words.split(' ').map((word) => [word, instead]);
}
