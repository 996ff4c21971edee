// The package as its users get it: the build in dist/.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { StepFailed, root } from './run.mjs';

/** The package's exports, and with them its addon. */
export async function loadPackage() {
  const file = path.join(root, 'dist/esm/index.js');
  if (!existsSync(file)) throw new StepFailed('dist/ is missing: run npm run build');
  return import(pathToFileURL(file).href);
}
