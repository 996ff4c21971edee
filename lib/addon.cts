/**
 * Finds the addon's binary. A CommonJS module in both builds of the package: node-gyp-build is CommonJS, and only here is
 * there a `__dirname` whatever the importer is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const load = createRequire(__filename);

/** The folder of our own package.json: dist/ holds others, which only name the module format. */
function packageRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: string };
      if (name === 'node-mvfst') return folder;
    }
    if (dirname(folder) === folder) throw new Error(`node-mvfst: no package.json of the package above ${__dirname}`);
  }
}

/** What the binary exports. Its type is told by native.ts. */
export function loadAddon(): unknown {
  const find = load('node-gyp-build') as (root: string) => unknown;
  return find(packageRoot());
}
