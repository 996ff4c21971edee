// Programs from a folder that scripts/lib/debian.sh unpacks: they run under that folder's own dynamic linker and libraries.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { StepFailed, printed } from '../lib/run.mjs';

/** What the stacks need; the last lines are for programs of ours that are linked with OpenSSL's QUIC, and with quic-go. */
const stacks = ['ngtcp2-client', 'ngtcp2-server', 'nginx', 'haproxy', 'python3-aioquic', 'openssl',
  'libssl-dev', 'zlib1g-dev', 'libzstd-dev', 'golang-1.24-go', 'golang-github-lucas-clemente-quic-go-dev'];

const folders = new Map();

/** A folder with these packages and all that they need, made when it is not there yet. */
export async function debianFolder(packages) {
  const key = packages.join(' ');
  if (folders.has(key)) return folders.get(key);
  folders.set(key, await printed('bash', ['scripts/lib/debian.sh', 'unpack', ...packages]));
  return folders.get(key);
}

export function debianRoot() {
  return debianFolder(stacks);
}

/** The folders of the libraries. */
export function librariesIn(top) {
  return readdirSync(path.join(top, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu')).map((name) => path.join(top, 'usr/lib', name));
}

/** The dynamic linker. */
export function linkerIn(top) {
  for (const folder of librariesIn(top)) {
    const linker = readdirSync(folder).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (linker !== undefined) return path.join(folder, linker);
  }
  throw new StepFailed(`${top} has no dynamic linker`);
}

/** The command and the first arguments that run a program of the folder. */
export function inDebian(top, program) {
  return [linkerIn(top), '--library-path', librariesIn(top).join(':'), path.join(top, program)];
}

export function versionIn(top, packageName) {
  const lines = readFileSync(path.join(top, 'versions.txt'), 'utf8').split('\n');
  const version = lines.find((line) => line.startsWith(`${packageName} `))?.split(' ')[1] ?? '';
  return version.replace(/^\d+:/, '').replace(/[-+].*$/, '');
}
