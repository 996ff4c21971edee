// Every header below cpp/ compiles alone, and included twice: the CMake target check-headers, in build/.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { sourceFiles } from './lib/files.mjs';
import { run } from './lib/run.mjs';

export async function checkHeaders(root, options = {}) {
  if (sourceFiles(root, ['cpp'], ['.h']).length === 0) return { findings: [], notes: ['cpp/ has no headers yet'] };
  const build = path.resolve(root, options.build ?? 'build');
  if (!existsSync(path.join(build, 'build.ninja'))) return { findings: [`${build} is not configured: npm run build`] };
  const result = await run('ninja', ['-C', build, '-k', '0', 'check-headers'], { cwd: root });
  if (result.ok) return { findings: [] };
  const errors = result.output.split('\n').filter((line) => /(?:: error:|: fatal error:)/.test(line));
  return { findings: errors.length > 0 ? errors : [result.output.trim()] };
}

await runAlone(import.meta, 'headers', checkHeaders, { build: { type: 'string' } });
