// npm run check: every check, one line each, and what it found. `--root DIR` looks at another tree, `--only a,b` runs some,
// `--json FILE` leaves the outcome for scripts/test.mjs. The core's archive must be built first for headers and sans-io.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkCoverage } from './check-coverage.mjs';
import { checkFormat } from './check-format.mjs';
import { checkHeaders } from './check-headers.mjs';
import { checkLayers } from './check-layers.mjs';
import { checkLint } from './check-lint.mjs';
import { checkSansIo } from './check-sans-io.mjs';
import { checkSizes } from './check-sizes.mjs';
import { checkTopLevel } from './check-top-level.mjs';
import { checkTypeScript } from './check-typescript.mjs';
import { checkWords } from './check-words.mjs';
import { isMain, main, root as checkout, seconds } from './lib/run.mjs';

const checks = {
  'top-level': checkTopLevel,
  words: checkWords,
  layers: checkLayers,
  sizes: checkSizes,
  coverage: checkCoverage,
  format: checkFormat,
  'sans-io': checkSansIo,
  headers: checkHeaders,
  typescript: checkTypeScript,
  lint: checkLint,
};

/** Runs the named checks one after the other and returns { name, findings } of each. */
export async function runChecks(root, names = Object.keys(checks)) {
  const outcomes = [];
  for (const name of names) {
    const began = Date.now();
    let result;
    try {
      result = await checks[name](root);
    } catch (error) {
      result = { findings: [String(error.stack ?? error)] };
    }
    const { findings, notes = [] } = result;
    console.log(`${findings.length === 0 ? '✔' : '✘'} ${name} (${seconds(began)})`);
    for (const note of notes) console.log(`    note: ${note}`);
    for (const finding of findings.slice(0, 50)) console.log(`    ${finding}`);
    if (findings.length > 50) console.log(`    and ${findings.length - 50} more`);
    outcomes.push({ name, findings });
  }
  return outcomes;
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({ options: { root: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } } });
    const outcomes = await runChecks(path.resolve(values.root ?? checkout), values.only?.split(','));
    const red = outcomes.filter(({ findings }) => findings.length > 0);
    if (values.json) writeFileSync(values.json, JSON.stringify(outcomes));
    console.log(red.length === 0 ? `check: all ${outcomes.length} ok` : `check: ${red.map(({ name }) => name).join(', ')} red`);
    process.exitCode = red.length === 0 ? 0 : 1;
  });
}
