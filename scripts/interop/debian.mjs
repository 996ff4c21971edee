// Programs from the folder that debian-root.sh unpacks: they run under that folder's own dynamic linker and libraries.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { StepFailed, root, runShown } from '../lib/run.mjs';

let folder;

/** The folder, made when it is not there yet. */
export async function debianRoot() {
  if (folder !== undefined) return folder;
  const answer = path.join(root, 'build/interop-debian');
  const isThere = await runShown('bash', ['-c', 'mkdir -p "$(dirname "$1")" && "$0" >"$1"', path.join(root, 'scripts/interop/debian-root.sh'), answer]);
  if (!isThere) throw new StepFailed('the foreign QUIC stacks of Debian could not be had, see above');
  folder = readFileSync(answer, 'utf8').trim();
  return folder;
}

/** The command and the first arguments that run a program of the folder. */
export function inDebian(top, program) {
  const libraries = readdirSync(path.join(top, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu')).map((name) => path.join(top, 'usr/lib', name));
  const linker = readdirSync(libraries[0]).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
  return [path.join(libraries[0], linker), '--library-path', libraries.join(':'), path.join(top, program)];
}

export function versionIn(top, packageName) {
  const lines = readFileSync(path.join(top, 'versions.txt'), 'utf8').split('\n');
  const version = lines.find((line) => line.startsWith(`${packageName} `))?.split(' ')[1] ?? '';
  return version.replace(/^\d+:/, '').replace(/[-+].*$/, '');
}
