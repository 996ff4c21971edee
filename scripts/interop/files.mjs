// Files of the interoperability tests: what a request may name below a folder, and how an answer gets to the disk.
import { createWriteStream, mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The file below `folder` that a request's path names; undefined when there is none, or when it lies elsewhere. */
export function fileBelow(folder, requestPath) {
  let name;
  try {
    name = decodeURIComponent(requestPath.split(/[?#]/, 1)[0]);
  } catch {
    return undefined;
  }
  if (!name.startsWith('/') || name.includes('\0') || name.split('/').includes('..')) return undefined;
  try {
    // A link may point outside: the real place decides.
    const top = realpathSync(folder);
    const file = realpathSync(path.join(top, name));
    if (!file.startsWith(`${top}${path.sep}`)) return undefined;
    const facts = statSync(file);
    return facts.isFile() ? { file, size: facts.size } : undefined;
  } catch {
    return undefined;
  }
}

/** Where the answer to a request goes: a file of the request's last name, directly in `folder`. */
export function downloadFor(folder, url) {
  const name = path.posix.basename(new URL(url).pathname);
  if (name === '' || name === '.' || name === '..') throw new Error(`${url} names no file`);
  mkdirSync(folder, { recursive: true });
  return path.join(folder, name);
}

/** Writes what a stream brings, as fast as the disk takes it. */
export async function save(source, file) {
  await pipeline(source, createWriteStream(file));
}
