// The lockfile names no registry host and holds every optional dependency that a package lists,
// so that `npm ci` works on every platform.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const problems = [];
for (const [path, entry] of Object.entries(packages)) {
  if (entry.resolved !== undefined) problems.push(`${path}: names a download address`);
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (
      packages[`node_modules/${name}`] === undefined &&
      packages[`${path}/node_modules/${name}`] === undefined
    ) {
      problems.push(`${path}: its optional dependency ${name} is not in the lockfile`);
    }
  }
}
const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);
const wanted = { ...dependencies, ...devDependencies, ...optionalDependencies };
for (const [name, version] of Object.entries(wanted)) {
  if (!/^\d/.test(version)) problems.push(`package.json: ${name} is not pinned (${version})`);
}
for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log(`lockfile: ${Object.keys(packages).length} packages, complete`);
process.exit(problems.length === 0 ? 0 : 1);
