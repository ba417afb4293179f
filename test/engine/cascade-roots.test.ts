/** Several cascade roots: the first one that has a file counts, for cascades, what they name, code and operators. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineOptions, type RvbbitError } from '../../src/index.ts';
import { rvbbitHere } from '../cli/here.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';
import { operatorFile } from '../operators/support.ts';

const says = (text: string) =>
  `cascade_id: c\ncells: [{ name: a, tool: js, inputs: { code: "return '${text}'" } }]\n`;
const calls = (tool: string) => `cascade_id: c\ncells: [{ name: a, tool: ${tool} }]\n`;

const home = makeFolder({
  'one/both.yaml': says('one'),
  'one/sub/calls.yaml': calls('only/two.yaml'),
  'two/both.yaml': says('two'),
  'two/only/two.yaml': says('inner two'),
  'two/code.yaml': 'cascade_id: c\ncells: [{ name: a, tool: js, inputs: { file: code.js } }]\n',
  'two/code.js': "return 'code of two'",
  'one/code.js': "return 'code of one'",
  'two/short.yml': says('short of two'),
  'two/operators/rhymes.yaml': operatorFile({ name: 'RHYMES' }),
  'rvbbit.config.yaml': 'model: lexical\ncascades: [one, two]\n',
  'secret.yaml': says('secret'),
});
test.after(() => removeFolder(home));

const open = (options: EngineOptions = {}) =>
  Engine.open({ cascades: [`${home}/one`, `${home}/two`], threads: 1, ...options });

async function said(engine: Engine, path: string): Promise<unknown> {
  return (await engine.query(`RVBBIT MAP '${path}' AS v USING (SELECT 1 AS x)`)).rows[0]!['v'];
}

const refused = (working: Promise<unknown>): Promise<RvbbitError> =>
  working.then(
    () => assert.unreachable('it was taken') as never,
    (thrown: RvbbitError) => thrown,
  );

test('the first folder that has the file counts, and a cascade may name files of any of them', async () => {
  await using engine = await open();
  assert.is(await said(engine, 'both.yaml'), 'one');
  assert.is(await said(engine, 'both'), 'one');
  assert.is(await said(engine, 'sub/calls'), 'inner two');
  assert.is(await said(engine, 'code.yaml'), 'code of one');
  assert.is(await said(engine, 'short'), 'short of two');
  await using reversed = await open({ cascades: [`${home}/two`, `${home}/one`] });
  assert.is(await said(reversed, 'both.yaml'), 'two');
  const { rows } = await engine.query("SELECT 'nation' RHYMES 'nation' AS v");
  assert.is(rows.length, 1);
});

test('a cascade that no folder has is an error that names all of them, and no path leaves them', async () => {
  await using engine = await open();
  const missing = await refused(said(engine, 'bothh.yaml'));
  assert.is(missing.code, 'RVB_CASCADE_NOT_FOUND');
  const folders = `under ${home}/one or ${home}/two; did you mean 'both.yaml'?`;
  assert.ok(missing.message.includes(folders), missing.message);
  assert.is((await refused(said(engine, '../secret.yaml'))).code, 'RVB_PATH_DENIED');
});

test('a folder that is not there is told at once, and so is an empty list', async () => {
  const absent = await refused(open({ cascades: [`${home}/one`, `${home}/nowhere`] }));
  assert.is(absent.code, 'RVB_CASCADE_NOT_FOUND');
  assert.match(absent.message, /nowhere, the cascade root/);
  const empty = await refused(open({ cascades: [] }));
  assert.is(empty.code, 'RVB_OPTION_TYPE');
  assert.match(empty.message, 'cascades takes a folder path, or a list of them');
});

test('the configuration file lists folders relative to itself; the option of the engine overrides it', async () => {
  const configFile = `${home}/rvbbit.config.yaml`;
  await using engine = await Engine.open({ configFile, threads: 1 });
  assert.is(await said(engine, 'sub/calls'), 'inner two');
  await using other = await open({ configFile, cascades: `${home}/two` });
  assert.is(await said(other, 'both'), 'two');
});

test('the command line looks where the file says, or else where --cascades say', async () => {
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await rvbbitHere([...args, '--no-state'], { cwd: home });
    assert.is(code, 0, stderr);
    return stdout.trim();
  };
  const sql = "RVBBIT MAP 'both' AS v USING (SELECT 1 AS x)";
  assert.is(await run('-c', sql), '{"x":1,"v":"one"}');
  const both = ['--cascades', 'two', '--cascades', 'one'];
  assert.is(await run(...both, '-c', sql), '{"x":1,"v":"two"}');
  assert.is(await run('run', 'only/two.yaml'), '"inner two"');
  assert.is(await run('run', 'two/both.yaml'), '"two"', 'a path from here, behind another file');
  const list = await rvbbitHere(['ops', 'list', '--format', 'csv'], { cwd: home });
  assert.match(list.stdout, 'operators/rhymes.yaml');
  const doctor = await rvbbitHere(['doctor'], { cwd: home });
  assert.match(doctor.stdout, '6/6 valid under one, two');
});

test.run();
