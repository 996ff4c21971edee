// The shape of a check. A check is a function (root, options) that returns { findings, notes }: findings make it red, notes are
// for the reader. Each finding is one line: "file:line: what is wrong".
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isMain, main, root as checkout } from './run.mjs';

/** Lets a check be run alone: `node scripts/check-x.mjs [--root DIR] [more options]`. */
export async function runAlone(meta, name, check, options = {}) {
  if (!isMain(meta)) return;
  await main(async () => {
    const { values } = parseArgs({ options: { root: { type: 'string' }, ...options } });
    const { findings, notes = [] } = await check(path.resolve(values.root ?? checkout), values);
    for (const note of notes) console.log(`note: ${note}`);
    for (const finding of findings) console.log(finding);
    console.log(findings.length === 0 ? `${name}: ok` : `${name}: ${findings.length} found`);
    process.exitCode = findings.length === 0 ? 0 : 1;
  });
}

/** The line number of an offset, from 1. */
export function lineAt(text, offset) {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line += 1;
  return line;
}
