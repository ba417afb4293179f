/** The users file: how it is written, read, and read again, and what it limits. */
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseArgs } from '../../../src/cli/parse-args.ts';
import { RvbbitError } from '../../../src/index.ts';
import { UserAccount, Users } from '../../../src/server/access/users.ts';
import { readUsers, removeUser, writeUser } from '../../../src/server/access/users-file.ts';
import { makeVerifier, verifierText } from '../../../src/server/access/verifier.ts';
import { makeFolder, removeFolder, rvbbit } from '../../cli/spawn.ts';

const folder = makeFolder({});
test.after(() => removeFolder(folder));
let files = 0;
const fresh = () => {
  files += 1;
  return join(folder, `users-${files}.yaml`);
};
const text = verifierText(await makeVerifier('pencil'));

async function refusal(work: Promise<unknown>): Promise<RvbbitError> {
  const thrown = await work.then(
    () => assert.unreachable('it did not fail'),
    (error: unknown) => error,
  );
  assert.instance(thrown, RvbbitError);
  return thrown as RvbbitError;
}

test('the command adds, changes, lists and removes users, and no password reaches the file', async () => {
  const cwd = makeFolder({});
  const run = (args: readonly string[], stdin = '', env = {}) =>
    rvbbit(['user', ...args], { cwd, stdin, env });
  const added = await run(
    ['add', 'ada', '--role', 'read-write', '--max-cost', '2.50'],
    's3cret-pass\n',
  );
  assert.is(added.code, 0, added.stderr);
  assert.match(added.stderr, 'added ada');
  const path = join(cwd, 'rvbbit.users.yaml');
  assert.is(statSync(path).mode & 0o777, 0o600);
  const first = readFileSync(path, 'utf8');
  assert.not.match(first, 's3cret');
  assert.match(first, 'SCRAM-SHA-256$4096:');
  writeFileSync(path, first.replace('users:', '# kept by hand\nusers:'));
  const env = { RVBBIT_PASSWORD: 'another' };
  assert.match((await run(['add', 'bob', '--max-rows', '10'], '', env)).stderr, 'added bob');
  assert.match((await run(['add', 'ada'], 'new')).stderr, 'changed ada');
  assert.match(readFileSync(path, 'utf8'), '# kept by hand');
  const { stdout } = await run(['list', '--format', 'jsonl']);
  assert.equal(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      {
        name: 'ada',
        role: 'read-write',
        max_statements: null,
        max_rows: null,
        max_cost_per_day: 2.5,
      },
      {
        name: 'bob',
        role: 'read-only',
        max_statements: null,
        max_rows: 10,
        max_cost_per_day: null,
      },
    ],
  );
  assert.is((await run(['remove', 'bob'])).code, 0);
  const again = await run(['remove', 'bob']);
  assert.is(again.code, 3);
  assert.match(again.stderr, 'has no user bob');
  assert.match((await run(['add', 'eve'], '\n')).stderr, 'the password is empty');
  const parse = (...args: string[]) => parseArgs(['user', 'add', 'eve', ...args]);
  assert.throws(() => parse('--role', 'admin'), /read-only, read-write/);
  assert.throws(() => parse('--max-cost=-1'), /US dollars/);
  assert.is(parse('--max-cost', '0.5').options.maxCost, 0.5);
  assert.equal(readdirSync(cwd), ['rvbbit.users.yaml']);
  removeFolder(cwd);
});

test('a file that is wrong, or that others may read, is refused with its place', async () => {
  const path = fresh();
  await writeUser(path, 'ada', { verifier: text, limits: {} });
  chmodSync(path, 0o644);
  assert.match((await refusal(readUsers(path))).message, `chmod 600 ${path}`);
  chmodSync(path, 0o600);
  const wrong = async (content: string) => {
    writeFileSync(path, content);
    return (await refusal(readUsers(path))).message;
  };
  assert.match(await wrong(`users:\n  ada: { verifier: pencil }\n`), /2.*no verifier/s);
  assert.match(
    await wrong(`users:\n  ada: { verifier: "${text}", rol: x }\n`),
    'did you mean role',
  );
  assert.match(await wrong(`users:\n  ada: { verifier: "${text}", role: admin }\n`), 'read-only');
  assert.match((await refusal(readUsers(join(folder, 'none')))).message, 'cannot read');
  assert.match(
    (await refusal(writeUser(path, 'a\nb', { verifier: text, limits: {} }))).message,
    'name',
  );
  writeFileSync(path, '');
  assert.match((await refusal(Users.open(path, () => {}))).message, 'has no user');
});

test('a change of the file counts for the next login, and a broken version does not', async () => {
  const path = fresh();
  await writeUser(path, 'ada', { verifier: text, limits: { statements: 1 } });
  const warnings: string[] = [];
  const users = await Users.open(path, (message) => warnings.push(message));
  const ada = (await users.login('ada')).user!;
  assert.is(ada.role, 'read-only');
  const account = await users.accountOf(ada);
  const unknown = await users.login('bob');
  assert.is(unknown.user, undefined);
  assert.is(
    (await users.login('bob')).verifier.salt.toString('hex'),
    unknown.verifier.salt.toString('hex'),
  );
  await writeUser(path, 'bob', { verifier: text, role: 'read-write', limits: {} });
  assert.is((await users.login('bob')).user?.role, 'read-write');
  assert.is(await users.accountOf((await users.login('ada')).user!), account);
  writeFileSync(path, 'users: [');
  assert.is((await users.login('ada')).user?.name, 'ada');
  assert.match(warnings[0]!, 'the users stay as they were');
  await refusal(removeUser(path, 'ada'));
  assert.match(readFileSync(path, 'utf8'), 'users: [');
});

test('an account bounds the statements at a time, and its purse is filled each day', () => {
  let now = Date.UTC(2030, 0, 1, 23, 59);
  const account = new UserAccount('ada', { statements: 2, cost_per_day: 1 }, { now: () => now });
  const ends = [account.beginStatement(), account.beginStatement()];
  assert.throws(() => account.beginStatement(), /runs 2 statements/);
  ends[0]!();
  ends[0]!();
  const third = account.beginStatement();
  assert.throws(() => account.beginStatement());
  third();
  const call = { calls: 1, tokens: 10, costMicroUsd: 900_000, isGuessed: false };
  const reserved = account.purse!.reserve(call);
  assert.ok(reserved !== undefined && reserved !== 'wait');
  if (typeof reserved === 'object') reserved.settle();
  assert.is(account.purse!.reserve(call), undefined);
  assert.is(account.purse!.left.costMicroUsd, 100_000);
  now += 120_000;
  assert.is(account.purse!.left.costMicroUsd, 1_000_000);
  assert.is(typeof account.purse!.reserve(call), 'object');
  assert.is(new UserAccount('bob', {}).purse, undefined);
});

test.run();
