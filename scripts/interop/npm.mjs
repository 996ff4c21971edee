// Foreign stacks that are npm packages: a folder of their own in the user's cache, apart from the project's dependencies.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { mustRun } from '../lib/run.mjs';
import { cacheFolder } from './built.mjs';

const folder = path.join(cacheFolder, 'npm');

function installed(name) {
  const file = path.join(folder, name, 'node_modules', name, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

/** The folder of this version of a package, installed when it is not there. No package's own scripts are run. */
export async function npmPackage(name, version) {
  const prefix = path.join(folder, name);
  if (installed(name) !== version) {
    mkdirSync(prefix, { recursive: true });
    await mustRun('npm', ['install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `${name}@${version}`], { cwd: prefix });
  }
  return path.join(prefix, 'node_modules', name);
}
