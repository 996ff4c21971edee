// Which files a check looks at: what git knows or would take, or in a tree without git, everything that is not generated.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { capture } from './run.mjs';

const generated = new Set(['.git', 'node_modules', 'build', 'dist', 'prebuilds', 'coverage', '.cache']);

function walk(root, folder, found) {
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!generated.has(entry.name)) walk(root, name, found);
    } else {
      found.push(name);
    }
  }
  return found;
}

/** All files of the project as paths relative to root, sorted. */
export function projectFiles(root) {
  const listed = existsSync(path.join(root, '.git'))
    ? capture('git', ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'])
    : undefined;
  const files = listed === undefined ? walk(root, '', []) : listed.split('\0').filter((name) => name !== '');
  return [...new Set(files)].filter((name) => existsSync(path.join(root, name))).sort();
}

/** Files below some folders with some extensions. */
export function sourceFiles(root, folders, extensions) {
  return projectFiles(root).filter(
    (name) => folders.some((folder) => name.startsWith(`${folder}/`)) && extensions.includes(path.extname(name)),
  );
}

export function read(root, name) {
  return readFileSync(path.join(root, name), 'utf8');
}
