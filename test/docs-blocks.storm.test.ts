/**
 * Every code block of the README and of docs/ is run by some test; those that no test of their own runs, by this one. Each
 * page has a folder in which its files are prepared, a `rvbbit` on PATH, and a simulated model.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { startSimulator } from '../src/testing.ts';
import { rvbbitHere } from './cli/here.ts';
import { reportCases } from './support/cases.ts';
import { type DocsFolder, makeDocsFolder } from './support/docs-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const TIMEOUT_MS = 60_000;
const CODE = /^(sh|sql|js|ts|yaml|json|console|python|ini|dockerfile)$/;

/** Which test runs the blocks of a language on a page. */
const HERE = 'docs-blocks.storm';
const RUN_BY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': { sql: 'readme', sh: 'readme', js: 'readme' },
  'docs/batch.md': { sql: HERE },
  'docs/bundling.md': { sh: HERE },
  'docs/calls.md': { yaml: 'model/config' },
  'docs/cascades.md': { yaml: HERE, sql: HERE },
  'docs/cli.md': { sh: HERE },
  'docs/commands.md': { sh: HERE },
  'docs/connect.md': {
    sh: 'clients/docs.client',
    python: 'clients/docs.client',
    js: 'clients/docs.client',
    sql: 'server/sql/dbt',
    yaml: 'server/sql/dbt',
    ini: 'package/deployed.storm',
    dockerfile: 'package/deployed.storm',
  },
  'docs/embedding.md': { js: 'readme', ts: HERE },
  'docs/explain.md': { sql: 'explain/docs' },
  'docs/grammar.md': { js: HERE },
  'docs/journal.md': { sh: HERE, sql: HERE },
  'docs/models.md': { yaml: 'model/config' },
  'docs/operators.md': { sh: HERE, sql: HERE, yaml: 'operators/docs' },
  'docs/parallelism.md': { sh: HERE },
  'docs/resume.md': { sh: HERE },
  'docs/semantic.md': { sql: 'semantic/docs' },
  'docs/server.md': { sql: 'server/sql/docs' },
  'docs/sessions.md': { js: 'readme' },
  'docs/shell.md': { sh: HERE },
  'docs/simulator.md': { console: HERE, yaml: HERE },
  'docs/statements.md': { sql: HERE },
  'docs/takes-and-wards.md': { yaml: 'model/takes-and-wards' },
};
/** Pages with a test of their own that runs all of their blocks. */
const OWN_TEST = ['docs/cookbook.md', 'docs/first-answer.md'];

/** Commands that do not exit with 0. */
const EXITS: readonly Exit[] = [
  // One of the two cases that the page shows fails.
  ['docs/cli.md', /^rvbbit test( cascades\/price_band\.yaml)?$/, 1, '1 failed'],
  // Neither word overlap nor answers that are made up know the sense of a text.
  ['docs/operators.md', /rvbbit test operators\/means\.yaml$/, 1, '2 passed, 1 failed'],
  // They are refused before the first sample: see `real`.
  ['docs/parallelism.md', /--filter|--compare/, 2, '--samples takes a whole number from 1'],
  // Its budget stops it, as a kill would.
  ['docs/resume.md', /killed half way/, 6, 'incomplete (budget)'],
];

/** What a part of a cascade in docs/cascades.md has before it. */
const BEFORE = `cells:
  - { name: tidy, tool: js, inputs: { code: "return { name: 'a lamp' }" } }
`;
/** What a page about the engine has opened, and closes. */
const OPEN =
  "import { Engine } from 'rvbbit';\nconst engine = await Engine.open({ threads: 1 });\n";
const CLOSE = `
console.log((await engine.query('SELECT 42 AS n')).rows[0].n);
stop();
await engine.close();
`;

/** What is run after a command to see what it has made, and what that prints. */
const AFTER: readonly After[] = [
  [/--outfile=dist\/app\.mjs|^npm ci .*--prefix dist/, 'node dist/app.mjs', '{"brand":"Sony"} 1\n'],
  [/--outfile=dist\/editor\.js/, 'node dist/editor.js', '1\n'],
];

type After = readonly [command: RegExp, look: string, prints: string];
type Exit = readonly [page: string, command: RegExp, code: number, says: string];

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  /** What a block without a language right behind it shows. */
  readonly output: string | undefined;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function allPages(): readonly string[] {
  const pages = readdirSync(`${root}docs`).map((name) => `docs/${name}`);
  return ['README.md', ...pages.filter((page) => page.endsWith('.md') && !OWN_TEST.includes(page))];
}

function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(root + page, 'utf8');
  const fences = [...text.matchAll(/^( *)```(\S*)\n([\s\S]*?)^ *```$/gm)];
  assert.is(fences.length * 2, text.match(/^ *```/gm)?.length ?? 0, `${page}: fences in pairs`);
  return fences.map((fence, i) => {
    const [whole, , language = '', body = ''] = fence;
    const next = fences[i + 1];
    const between = text.slice(fence.index + whole.length, next?.index).trim();
    const isShown = next !== undefined && between === '' && /^(text)?$/.test(next[2]!);
    return {
      language,
      text: body,
      line: text.slice(0, fence.index).split('\n').length,
      output: isShown ? next[3] : undefined,
    };
  });
}

let folder: DocsFolder;
let count = 0;

/** Runs a command line with bash. One that runs until Ctrl-C gets it when it has printed something. */
function bash(command: string, cwd: string): Promise<Ended> {
  const isEndless = /^rvbbit (sim|log -f)/.test(command);
  const child = spawn('bash', ['-c', command], {
    cwd,
    env: folder.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = (signal: NodeJS.Signals) => process.kill(-child.pid!, signal);
  const timers = [setTimeout(end, TIMEOUT_MS, 'SIGKILL')];
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    // It listens to signals a moment after its first line.
    if (isEndless && stdout === '') timers.push(setTimeout(end, 300, 'SIGINT'));
    stdout += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/**
 * Runs a command line: that of `rvbbit` alone in this process, which takes a third of the time, and any other with bash, where
 * `rvbbit` is a program on PATH.
 */
async function run(command: string, cwd: string): Promise<Ended> {
  const words = /^rvbbit (?!sim|log -f)([^|<]*)$/.exec(command)?.[1];
  if (words === undefined) return bash(command, cwd);
  const { stdout } = await bash(`words() { printf '%s\\0' "$@"; }; words ${words}`, cwd);
  return rvbbitHere(stdout.split('\0').slice(0, -1), { cwd, env: folder.env });
}

/** Puts what is there in place of what a page calls a session or a key. */
function real(command: string): string {
  const session = command.includes('--param') ? folder.stoppedWithParameter : folder.stopped;
  return (
    command
      .replace('udf-clever-fox', session)
      .replace('9f3ac1', folder.key.slice(0, 16))
      // 60 statements would take minutes.
      .replace(/--workload auto$/, '$& --limit 1')
      .replace('npm run bench --', `node ${root}dist/bench/main.js`)
      // These too: their words are read, and no sample is taken.
      .replace(/--filter wave|rows --compare v0.1/, '$& --samples 0')
  );
}

async function runCommand(page: string, line: string, cwd: string): Promise<string> {
  const exit = EXITS.find(([of, command]) => of === page && command.test(line));
  const { code, stdout, stderr } = await run(real(line), cwd);
  const [expected, says] = exit === undefined ? [0, ''] : [exit[2], exit[3]];
  assert.is(code, expected, `${line}\n${stdout}${stderr}`);
  assert.match(stdout + stderr, says);
  const after = AFTER.find(([command]) => command.test(line));
  if (after !== undefined) assert.is((await bash(after[1], cwd)).stdout, after[2], line);
  count += 1;
  return stdout;
}

/** Ports and times differ. */
function steady(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').trimEnd();
}

type Run = (page: string, block: Block, cwd: string) => Promise<void>;
const RUN: Readonly<Record<string, Run>> = {
  async sh(page, { text, output }, cwd) {
    // Each block stands for itself.
    for (const made of ['operators', 'dist/node_modules'])
      rmSync(join(cwd, made), { recursive: true, force: true });
    let stdout = '';
    for (const line of text.trim().split(/(?<!\\)\n/)) stdout = await runCommand(page, line, cwd);
    if (output !== undefined) assert.is(steady(stdout), steady(output));
  },
  async console(page, { text }, cwd) {
    for (const part of text.split(/^\$ /m).slice(1)) {
      const [command = '', ...output] = part.split('\n');
      assert.is(steady(await runCommand(page, command, cwd)), steady(output.join('\n')));
    }
  },
  async sql(page, { text, line }, cwd) {
    const file = `block-${line}.sql`;
    writeFileSync(join(cwd, file), text);
    const stdout = await runCommand(page, `rvbbit shop.duckdb --format jsonl -f ${file}`, cwd);
    if (/^(SELECT|RVBBIT)/.test(text)) assert.is.not(stdout, '', 'rows');
  },
  async yaml(page, { text, line }, cwd) {
    if ('rules' in parse(text)) return checkRules(text);
    const isPart = text.startsWith(' ');
    const named = /^# (\S+\.yaml)$/m.exec(text)?.[1];
    const file = named ?? `${/^cascade_id: (\w+)/m.exec(text)?.[1] ?? `block-${line}`}.yaml`;
    writeFileSync(join(cwd, file), isPart ? BEFORE + text : text);
    if (named !== undefined) {
      // A statement further down runs it.
      assert.match(readFileSync(root + page, 'utf8'), `'${named}'`);
    } else if (isPart) {
      const verb = text.includes('input.data_table') ? 'RUN' : 'MAP';
      const sql = `RVBBIT ${verb} '${file}' USING (SELECT *, name AS brand FROM products)`;
      await runCommand(page, `rvbbit shop.duckdb -c "${sql}"`, cwd);
    } else {
      await runCommand(page, `rvbbit test ${file} --database shop.duckdb`, cwd);
    }
  },
  async js(page, { text, line }, cwd) {
    writeFileSync(join(cwd, `block-${line}.mjs`), text);
    const shown = [...text.matchAll(/\/\/ ?(.*)$/gm)].map(([, comment]) => comment);
    assert.is((await runCommand(page, `node block-${line}.mjs`, cwd)).trimEnd(), shown.join('\n'));
  },
  async ts(page, { text, line }, cwd) {
    writeFileSync(join(cwd, `block-${line}.mjs`), OPEN + text + CLOSE);
    assert.is(await runCommand(page, `node block-${line}.mjs`, cwd), '42\n');
  },
};

/** The rules of a simulated server do what they say. */
async function checkRules(text: string): Promise<void> {
  await using server = await startSimulator(parse(text));
  const ask = async (content: string) => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] });
    const response = await fetch(`${server.url}/chat/completions`, { method: 'POST', body });
    const answer = (await response.json()) as { choices: { message: { content: string } }[] };
    return answer.choices[0]!.message.content;
  };
  assert.is(await ask('A TV by Sony?'), '{"brand":"Sony"}');
  count += 1;
}

async function runPage(page: string): Promise<void> {
  const languages = RUN_BY[page]!;
  const cwd = folder.copy();
  const blocks = blocksOf(page).filter(({ language }) => languages[language] === HERE);
  assert.ok(blocks.length > 0, page);
  for (const block of blocks) {
    await RUN[block.language]!(page, block, cwd).catch((thrown: Error) => {
      thrown.message = `${page}:${block.line}: ${thrown.message}`;
      throw thrown;
    });
  }
}

const pages = Object.keys(RUN_BY).filter((page) => Object.values(RUN_BY[page]!).includes(HERE));
const failed = new Map<string, unknown>();

test.before(async () => {
  const faults = blocksOf('docs/simulator.md').find(({ language }) => language === 'yaml')!;
  await using simulator = await startSimulator({
    rules: [{ when: { contains: 'Which brand' }, answer: 'Sony' }],
  });
  folder = await makeDocsFolder(simulator, faults.text);
  // Two pages at a time.
  const waiting = [...pages];
  const lane = async () => {
    for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) {
      const name = page;
      await runPage(name).catch((thrown: unknown) => failed.set(name, thrown));
    }
  };
  await Promise.all([lane(), lane()]);
});
test.after(() => {
  reportCases(count, 'commands and snippets of the documentation');
});

for (const page of pages) {
  test(`the blocks of ${page} run`, () => {
    if (failed.has(page)) throw failed.get(page);
  });
}

test('the account in docs/cli.md is what comes', async () => {
  const text = readFileSync(`${root}docs/cli.md`, 'utf8');
  const [, shown] = /^```\n(rvbbit: MAP odd\.yaml[\s\S]*?)^```/m.exec(text)!;
  const sql = "RVBBIT MAP 'odd.yaml' USING (FROM range(1, 5) t(n))";
  const { stderr } = await run(`rvbbit -c "${sql}"`, folder.copy());
  const untimed = (account: string) => account.replace(/[\d.]+ s \([\d.]+ rows\/s\)/, 'TIME');
  assert.is(untimed(stderr), untimed(shown!));
});

test('npm scripts that a page names are there', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const named = allPages().flatMap((page) =>
    blocksOf(page).flatMap(({ text }) => [...text.matchAll(/\bnpm (?:run )?(\w+)/g)]),
  );
  const names = new Set(
    named.map(([, name]) => name!).filter((name) => name !== 'ci' && name !== 'install'),
  );
  assert.ok(names.size >= 2);
  for (const name of names) assert.ok(name in scripts, name);
});

test('no block is left out', () => {
  const found = new Set<string>();
  for (const page of allPages()) {
    for (const { language, line } of blocksOf(page)) {
      if (!CODE.test(language)) {
        assert.match(language, /^(text)?$/, `${page}:${line}: a language that nothing runs`);
        continue;
      }
      const runner = RUN_BY[page]?.[language];
      assert.ok(runner, `${page}:${line}: no test runs its ${language}`);
      found.add(`${page} ${language}`);
      const source = readFileSync(`${root}test/${runner}.test.ts`, 'utf8');
      assert.match(source, page, `test/${runner}.test.ts reads ${page}`);
    }
  }
  const listed = Object.entries(RUN_BY).flatMap(([page, by]) =>
    Object.keys(by).map((language) => `${page} ${language}`),
  );
  assert.equal(
    listed.filter((each) => !found.has(each)),
    [],
    'listed, and not there',
  );
});

test.run();
