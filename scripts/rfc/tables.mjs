// Tables of cases by their ids, and what holds them: test/rfc/must-close.txt and test/rfc/attacks.txt.
//
//   K03 KEY_UPDATE_ERROR old keys for a higher packet number     id, outcome, what happens
//     test KeyUpdate.OldKeysForAHigherNumberAreNeverAccepted     every test that shows it: each must exist, and its file must
//     except REASON                                              name the id, so that who changes one finds the other
//
// No line below an entry: missing.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { read, sourceFiles } from '../lib/files.mjs';

export const tables = ['must-close', 'attacks'];
const head = /^([A-Z][A-Za-z0-9-]*) (\S+) (\S.*)$/;

/** `[{ id, outcome, gist, tests, exception }]`. Throws on a line that it does not understand. */
export function parseTable(text) {
  const rows = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const found = head.exec(line);
    if (found) {
      rows.push({ id: found[1], outcome: found[2], gist: found[3], tests: [] });
      continue;
    }
    const [, kind, rest] = /^ {2}(test|except) (\S.*)$/.exec(line) ?? [];
    if (!kind || rows.length === 0) throw new Error(`line ${index + 1} is no entry: ${line}`);
    if (kind === 'test') rows.at(-1).tests.push(rest.trim());
    else rows.at(-1).exception = rest.trim();
  }
  return rows;
}

/** Which file has which test of C++, and what it says: `Map` from `Suite.Name` to the text of its file. */
export function testSources(top) {
  const sources = new Map();
  for (const file of sourceFiles(top, ['test'], ['.cpp'])) {
    const text = read(top, file);
    for (const [, suite, name] of text.matchAll(/\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)/g)) sources.set(`${suite}.${name}`, text);
  }
  return sources;
}

const names = (text, id) => new RegExp(`(?<![\\w-])${id}(?![\\w])`).test(text);

/** What is wrong with a table: ids twice, unknown tests, tests whose file does not know the row. */
export function tableFaults(rows, sources) {
  const found = [];
  const seen = new Set();
  for (const { id, tests, exception } of rows) {
    if (seen.has(id)) found.push(`${id}: is there twice`);
    seen.add(id);
    if (tests.length > 0 && exception) found.push(`${id}: both tested and excepted`);
    for (const test of tests) {
      const text = sources.get(test);
      if (text === undefined) found.push(`${id}: no test is called ${test}`);
      else if (!names(text, id)) found.push(`${id}: the file of ${test} does not name the row`);
    }
  }
  return found;
}

/** `[{ name, rows, missing, faults }]` of the tables that a tree has. */
export function reportTables(top) {
  const sources = testSources(top);
  return tables
    .filter((name) => existsSync(path.join(top, `test/rfc/${name}.txt`)))
    .map((name) => {
      const rows = parseTable(read(top, `test/rfc/${name}.txt`));
      const missing = rows.filter(({ tests, exception }) => tests.length === 0 && !exception);
      return { name, rows, missing, faults: tableFaults(rows, sources).map((fault) => `test/rfc/${name}.txt: ${fault}`) };
    });
}
