/** The command of a clone: it is there before the first build, and makes that build. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const bin = fileURLToPath(new URL('../../../bin', import.meta.url));

/** Runs the command in a clone whose build is `build`, a few times, and gives how each time ended. */
function runs(build: string, times: number) {
  const clone = mkdtempSync(join(tmpdir(), 'rvbbit-clone-'));
  try {
    cpSync(bin, join(clone, 'bin'), { recursive: true });
    mkdirSync(join(clone, '.ci'));
    writeFileSync(join(clone, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(clone, '.ci/build.mjs'), build);
    const command = [join(clone, 'bin/rvbbit.js'), '--version'];
    return Array.from({ length: times }, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
      return { status, stdout, stderr };
    });
  } finally {
    rmSync(clone, { recursive: true });
  }
}

test('the first run builds, says so on stderr, and goes on; the next one only runs', () => {
  const build = `
    import { mkdirSync, writeFileSync } from 'node:fs';
    mkdirSync('dist/bundle', { recursive: true });
    writeFileSync('dist/bundle/rvbbit.js', 'console.log(process.argv[2])');
    console.log('built');`.replaceAll("'dist/", "import.meta.dirname + '/../dist/");
  const [first, second] = runs(build, 2);
  assert.is(first!.stdout, '--version\n');
  assert.is(first!.stderr, 'rvbbit: this clone is not built yet; building it, once\nbuilt\n');
  assert.equal(second, { status: 0, stdout: '--version\n', stderr: '' });
});

test('a build that fails ends the command, and says what to run', () => {
  const [failed] = runs("console.error('no compiler'); process.exit(1);", 1);
  assert.equal([failed!.status, failed!.stdout], [3, '']);
  assert.match(failed!.stderr, /no compiler\n.*npm ci && npm run build\n$/);
});

test.run();
