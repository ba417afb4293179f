// Every path of package.json's exports and bin exists after a build, imports, and has an explicit list.
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const pkg = JSON.parse(readFileSync('package.json', 'utf8'));
const problems = [];
for (const [name, target] of Object.entries(pkg.exports)) {
  for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
    if (!existsSync(path)) problems.push(`exports["${name}"]: ${path} does not exist`);
  }
  if (typeof target === 'string' || !existsSync(target.default)) continue;
  const source = target.types.replace('./dist/types/', '').replace(/\.d\.ts$/, '.ts');
  if (/export \* from/.test(readFileSync(source, 'utf8'))) {
    problems.push(`${source}: a public index lists its exports; no \`export *\``);
  }
  const exported = Object.keys(await import(pathToFileURL(target.default).href));
  if (exported.length === 0) problems.push(`exports["${name}"]: exports nothing`);
  if (exported.includes('default')) problems.push(`exports["${name}"]: has a default export`);
  console.log(`${name}: ${exported.join(', ')}`);
}
for (const [name, path] of Object.entries(pkg.bin)) {
  if (!existsSync(path)) problems.push(`bin ${name}: ${path} does not exist`);
}
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
