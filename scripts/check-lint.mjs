// ESLint with .eslint.config.mjs over lib, test and scripts. `--fix` mends what can be mended.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { root as checkout, run } from './lib/run.mjs';

export async function checkLint(root, options = {}) {
  const folders = ['lib', 'test', 'scripts'].filter((name) => existsSync(path.join(root, name)));
  const config = [root, checkout].map((folder) => path.join(folder, '.eslint.config.mjs')).find((file) => existsSync(file));
  const args = [path.join(checkout, 'node_modules/eslint/bin/eslint.js'), '--config', config, '--max-warnings=0',
    '--no-error-on-unmatched-pattern', '--format=json', ...(options.fix ? ['--fix'] : []), ...folders];
  const result = await run(process.execPath, args, { cwd: root });
  try {
    const reports = JSON.parse(result.output);
    return {
      findings: reports.flatMap(({ filePath, messages }) =>
        messages.map(({ line, message, ruleId }) => `${path.relative(root, filePath)}:${line ?? 1}: ${message} (${ruleId ?? 'parser'})`),
      ),
    };
  } catch {
    return { findings: [result.output.trim()] };
  }
}

await runAlone(import.meta, 'lint', checkLint, { fix: { type: 'boolean' } });
