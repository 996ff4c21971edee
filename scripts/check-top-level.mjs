// The top of the tree stays as it is: these files and folders, and dot-files, nothing else.
import { runAlone } from './lib/check.mjs';
import { projectFiles } from './lib/files.mjs';

const files = ['package.json', 'package-lock.json', 'CMakeLists.txt', 'README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE'];
const folders = ['binding', 'cpp', 'lib', 'test', 'scripts', '.ci'];

export function checkTopLevel(root) {
  const present = projectFiles(root);
  const findings = [];
  const seen = new Set();
  for (const name of present) {
    const [top, ...rest] = name.split('/');
    if (seen.has(top)) continue;
    seen.add(top);
    const isKnown = rest.length > 0 ? folders.includes(top) : files.includes(top) || top.startsWith('.');
    if (!isKnown) findings.push(`${top}: does not belong at the top level`);
  }
  for (const name of [...files, ...folders]) if (!seen.has(name)) findings.push(`${name}: is missing at the top level`);
  return { findings };
}

await runAlone(import.meta, 'top-level', checkTopLevel);
