// C++ is laid out by clang-format 19 with the checkout's .clang-format. `--fix` rewrites the files.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { sourceFiles } from './lib/files.mjs';
import { hasCommand, root as checkout, run } from './lib/run.mjs';

const tool = 'clang-format-19';

export async function checkFormat(root, options = {}) {
  const files = sourceFiles(root, ['cpp', 'binding', 'test'], ['.h', '.cpp', '.cc']);
  if (files.length === 0) return { findings: [] };
  if (!hasCommand(tool)) return { findings: [`${tool} is not there: apt-get install -y ${tool}`] };
  const style = [root, checkout].map((folder) => path.join(folder, '.clang-format')).find((file) => existsSync(file));
  const action = options.fix ? ['-i'] : ['--dry-run', '-Werror'];
  const result = await run(tool, [`--style=file:${style}`, ...action, ...files], { cwd: root });
  const findings = result.output.split('\n').filter((line) => /: error: /.test(line));
  if (!result.ok && findings.length === 0) findings.push(result.output.trim());
  // One line per file is enough: the cure is the same for all of them.
  const wrong = [...new Set(findings.map((line) => line.split(':')[0]))];
  return { findings: findings.length === 0 ? [] : wrong.map((file) => `${file}: not laid out by ${tool}: npm run format`) };
}

await runAlone(import.meta, 'format', checkFormat, { fix: { type: 'boolean' } });
