// Programs of ours that are compiled against foreign stacks: built once for each state of their sources, in the user's cache.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mustRun } from '../lib/run.mjs';

export const cacheFolder = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'node-mvfst/interop');

/** The program that `build(sources, out)`, a command, makes of a folder of sources; `key` names what else shapes it. */
export async function builtFrom(sources, key, build) {
  const hash = createHash('sha256').update(key);
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(path.join(sources, name)));
  const folder = path.join(cacheFolder, 'built');
  const program = path.join(folder, `${path.basename(sources)}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const temporary = `${program}.${process.pid}`;
  const { command, args, env } = build(sources, temporary);
  await mustRun(command, args, { cwd: sources, env: { ...process.env, ...env } });
  renameSync(temporary, program);
  return program;
}
