/** SCRAM: the vectors of the RFC, and every way in which an exchange may fail. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { saslPrepared } from '../../../src/server/access/saslprep.ts';
import {
  type ScramMechanism,
  type ScramStep,
  scramExchange,
  scramMechanisms,
} from '../../../src/server/access/scram.ts';
import {
  makeVerifier,
  mockVerifier,
  parseVerifier,
  SCRAM_ITERATIONS,
  type Verifier,
  verifierText,
} from '../../../src/server/access/verifier.ts';
import { finalMessage } from '../../support/scram-client.ts';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const verifier = await makeVerifier('pencil', SALT, 4_096);
const BINDING = createHash('sha256').update('a certificate').digest();

function login(
  password: string,
  header = 'n,,',
  mechanism: ScramMechanism = 'SCRAM-SHA-256',
  binding?: Buffer,
  own: Verifier = verifier,
): ScramStep {
  const next = scramExchange({ mechanism, verifier: own, binding });
  const bare = 'n=,r=clientnonce';
  const first = next(header + bare);
  if (first.kind !== 'continue') return first;
  const isPlus = header.startsWith('p=');
  const bound = Buffer.concat([Buffer.from(header), ...(isPlus && binding ? [binding] : [])]);
  return next(finalMessage(password, { header, bare, challenge: first.message, bound }));
}

test('the exchange of RFC 7677 has its bytes', () => {
  const next = scramExchange({
    mechanism: 'SCRAM-SHA-256',
    verifier,
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  });
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  assert.equal(next('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), {
    kind: 'continue',
    message: `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
  });
  assert.equal(next(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`), {
    kind: 'done',
    message: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  });
  assert.is(next('c=biws').kind, 'failed');
});

test('the right password is accepted, with channel binding and without, and another is not', () => {
  const plus = 'SCRAM-SHA-256-PLUS';
  assert.is(login('pencil').kind, 'done');
  assert.is(login('pencil', 'y,,').kind, 'done');
  assert.is(login('pencil', 'n,,', 'SCRAM-SHA-256', BINDING).kind, 'done');
  assert.is(login('pencil', 'p=tls-server-end-point,,', plus, BINDING).kind, 'done');
  const wrong = login('Pencil');
  assert.equal(wrong, {
    kind: 'failed',
    sqlState: '28P01',
    reason: 'password authentication failed',
  });
  assert.equal(
    login('pencil', 'n,,', 'SCRAM-SHA-256', undefined, mockVerifier('nobody', SALT)),
    wrong,
  );
});

test('a client that sees another certificate, or not the whole offer, is refused', () => {
  const plus = 'SCRAM-SHA-256-PLUS';
  const next = scramExchange({ mechanism: plus, verifier, binding: BINDING });
  const header = 'p=tls-server-end-point,,';
  const bare = 'n=,r=abc';
  const first = next(header + bare);
  assert.is(first.kind, 'continue');
  const other = createHash('sha256').update('another certificate').digest();
  const bound = Buffer.concat([Buffer.from(header), other]);
  const challenge = first.kind === 'continue' ? first.message : '';
  const step = next(finalMessage('pencil', { header, bare, challenge, bound }));
  assert.match(JSON.stringify(step), 'may be intercepted');
  assert.match(
    JSON.stringify(login('pencil', 'y,,', 'SCRAM-SHA-256', BINDING)),
    'did not see the offer',
  );
  assert.is(login('pencil', 'p=tls-unique,,', plus, BINDING).kind, 'failed');
  assert.is(login('pencil', 'n,,', plus, BINDING).kind, 'failed');
  assert.is(login('pencil', 'p=tls-server-end-point,,', 'SCRAM-SHA-256', BINDING).kind, 'failed');
  assert.is(login('pencil', 'n,a=root,').kind, 'failed');
  assert.equal(scramMechanisms(BINDING), [plus, 'SCRAM-SHA-256']);
  assert.equal(scramMechanisms(undefined), ['SCRAM-SHA-256']);
});

test('a verifier is written and read the way PostgreSQL does, and a broken one is none', () => {
  const text = verifierText(verifier);
  assert.equal(parseVerifier(text), verifier);
  assert.match(text, /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$/);
  for (const broken of [
    '',
    'pencil',
    'md5abc',
    text.slice(0, -2),
    text.replace('4096', '99999999'),
    `${text}x`,
  ]) {
    assert.is(parseVerifier(broken), undefined, broken);
  }
});

test('the verifier of an unknown user is the same each time and looks like a real one', () => {
  const [one, again, other] = ['ada', 'ada', 'bob'].map((name) => mockVerifier(name, SALT));
  assert.equal(one, again);
  assert.not.equal(one!.salt, other!.salt);
  assert.is(one!.iterations, SCRAM_ITERATIONS);
  assert.is(one!.salt.length, verifier.salt.length);
});

test('passwords are prepared as the examples of RFC 4013 say; what is prohibited stays as it is', () => {
  const examples = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b\u3000c', 'a b c'],
    ['e\u0301', '\u00e9'],
    ['\u0007\u00aa', '\u0007\u00aa'],
    ['\ue000\u2168', '\ue000\u2168'],
  ] as const;
  for (const [given, prepared] of examples) assert.is(saslPrepared(given), prepared);
});

test.run();
