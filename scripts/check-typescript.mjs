// The TypeScript compiler over the library, then over library and tests, with every strictness there is.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { sourceFiles } from './lib/files.mjs';
import { root as checkout, run } from './lib/run.mjs';

export async function checkTypeScript(root) {
  const findings = [];
  if (sourceFiles(root, ['lib'], ['.ts']).length === 0) return { findings, notes: ['lib/ has no TypeScript yet'] };
  const tsc = path.join(checkout, 'node_modules/typescript/bin/tsc');
  for (const project of ['lib/tsconfig.json', 'lib/tsconfig.test.json']) {
    if (!existsSync(path.join(root, project))) {
      findings.push(`${project}: is missing`);
      continue;
    }
    const result = await run(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', project], { cwd: root });
    if (!result.ok) findings.push(...result.output.split('\n').filter((line) => line.trim() !== ''));
  }
  return { findings: [...new Set(findings)] };
}

await runAlone(import.meta, 'typescript', checkTypeScript);
