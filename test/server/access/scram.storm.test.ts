/** 100,000 mutated exchanges: none that differs from the right one succeeds, none throws, and known and unknown users look alike. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scramExchange } from '../../../src/server/access/scram.ts';
import { makeVerifier, mockVerifier } from '../../../src/server/access/verifier.ts';
import { cases, mulberry, reportCases, seed } from '../../support/cases.ts';

const BUDGET_MS = 40_000;
const SALT = Buffer.from('0123456789abcdef');
const random = mulberry(seed);
const below = (count: number) => Math.floor(random() * count);
const SPECIAL = [',', '=', 'n=', 'r=', 'p=', 'c=', 'm=x', '\0', '\u00e9', '=2C', '\n', 'y,,', ''];

function mutated(text: string): string {
  let result = text;
  for (let times = 1 + below(3); times > 0; times -= 1) {
    const at = below(result.length + 1);
    const end = Math.min(result.length, at + below(6));
    switch (below(5)) {
      case 0:
        result = result.slice(0, at) + result.slice(end);
        break;
      case 1:
        result = result.slice(0, at) + SPECIAL[below(SPECIAL.length)] + result.slice(at);
        break;
      case 2:
        result = result.slice(0, at) + String.fromCharCode(below(256)) + result.slice(at + 1);
        break;
      case 3:
        result =
          result.slice(0, at) + result.slice(at, end).repeat(1 + below(50)) + result.slice(end);
        break;
      default:
        result = result.slice(end) + result.slice(0, at);
    }
  }
  return result;
}

test('no mutated exchange succeeds, whatever is mutated', async () => {
  const verifier = await makeVerifier('pencil', SALT, 4_096);
  const salted = pbkdf2Sync('pencil', SALT, 4_096, 32, 'sha256');
  const key = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(key).digest();
  const serverKey = createHmac('sha256', salted).update('Server Key').digest();
  const binding = createHash('sha256').update('certificate').digest();
  const wanted = cases(100_000, 1_000_000);
  const from = performance.now();
  let [done, accepted, began] = [0, 0, 0];
  for (; done < wanted && performance.now() - from < BUDGET_MS; done += 1) {
    const isPlus = random() < 0.5;
    const header = isPlus ? 'p=tls-server-end-point,,' : 'n,,';
    const options = {
      mechanism: isPlus ? ('SCRAM-SHA-256-PLUS' as const) : ('SCRAM-SHA-256' as const),
      verifier,
      binding: isPlus ? binding : undefined,
    };
    const next = scramExchange(options);
    const bare = 'n=ada,r=abcdefgh';
    const sent = random() < 0.3 ? mutated(header + bare) : header + bare;
    const first = next(sent);
    if (first.kind !== 'continue') {
      assert.is(first.kind, 'failed');
      continue;
    }
    began += 1;
    const bound = Buffer.concat([Buffer.from(header), ...(isPlus ? [binding] : [])]);
    const nonce = /^r=([^,]*)/.exec(first.message)![1]!;
    const without = `c=${bound.toString('base64')},r=${nonce}`;
    const signed = `${bare},${first.message},${without}`;
    const signature = createHmac('sha256', stored).update(signed).digest();
    const proof = Buffer.from(key.map((byte, index) => byte ^ signature[index]!));
    const right = `${without},p=${proof.toString('base64')}`;
    const final = random() < 0.9 ? mutated(right) : right;
    const last = next(final);
    // Base64 has several spellings of the same bytes; the signature over the rest must be the very one.
    const isSame = final.startsWith(`${without},p=`) && sent === header + bare;
    if (last.kind === 'done') {
      accepted += 1;
      assert.ok(isSame, JSON.stringify([sent, final]));
      const expected = createHmac('sha256', serverKey).update(signed).digest('base64');
      assert.is(last.message, `v=${expected}`);
    } else if (final === right && sent === header + bare)
      assert.unreachable('the right one failed');
    assert.is(next(right).kind, 'failed');
  }
  assert.ok(accepted > 0 && accepted < done / 5);
  reportCases(done, `SCRAM exchanges, ${began} past the first message, ${accepted} accepted`);
  assert.ok(done > 10_000);
});

test('an exchange takes the same time for a user who is there and one who is not', async () => {
  const known = await makeVerifier('pencil', SALT, 4_096);
  const unknown = mockVerifier('nobody', SALT);
  const wrong = `c=biws,r=NONCE,p=${Buffer.alloc(32, 7).toString('base64')}`;
  const once = (verifier: typeof known) => {
    const next = scramExchange({ mechanism: 'SCRAM-SHA-256', verifier, serverNonce: 'ONCE' });
    const from = process.hrtime.bigint();
    next('n,,n=,r=N');
    assert.is(next(wrong).kind, 'failed');
    return Number(process.hrtime.bigint() - from);
  };
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let round = 0; round < 8_000; round += 1) {
    times.known.push(once(known));
    times.unknown.push(once(unknown));
  }
  const median = (list: number[]) => list.sort((a, b) => a - b)[list.length / 2]!;
  const ratio = median(times.known) / median(times.unknown);
  assert.ok(ratio > 0.8 && ratio < 1.25, `known users take ${ratio} of the time of unknown ones`);
  reportCases(8_000, `pairs of logins, times ${ratio.toFixed(3)} : 1`);
});

test.run();
