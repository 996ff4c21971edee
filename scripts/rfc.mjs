// npm run rfc: for each RFC, how many MUST sentences are implemented and tested, excepted with a reason, or missing.
//
//   node scripts/rfc.mjs                     the table, and what is missing where nothing may be
//   node scripts/rfc.mjs --missing           every sentence that is missing
//   node scripts/rfc.mjs --section 9000/8.1  the entries of a section and what answers them
//   node scripts/rfc.mjs --texts DIR         also compares with the texts (rfc9000.txt ...) that lie in DIR: no sentence is
//                                            left out, none is made up; with --missing it prints the sentences themselves
//   node scripts/rfc.mjs --table attacks     the rows of a table of cases (must-close, attacks) and what answers them
//
// The tables of cases are those of scripts/rfc/tables.mjs. The entries lie in test/rfc/rfcNNNN.txt: section and number of the sentence, its fingerprint, what it asks in our own words;
// indented below, `test NAME` for every test that shows it (each must exist) or `except REASON`. No line below: missing.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { read, sourceFiles } from './lib/files.mjs';
import { isMain, main, root } from './lib/run.mjs';
import { parseEntries } from './rfc/entries.mjs';
import { mustSentences } from './rfc/sentences.mjs';
import { reportTables } from './rfc/tables.mjs';

const documents = ['9000', '9001', '9002', '9221'];
/** Where nothing may be missing: sections and everything below them. */
const complete = {
  9000: ['3', '4', '5', '8', '9', '10', '12', '13', '14', '17', '18', '19', '20'],
  9001: ['4', '5', '6'],
  9002: ['5', '6', '7'],
  9221: ['3', '4', '5'],
};

const lies = (section, tops) => tops.some((top) => section === top || section.startsWith(`${top}.`));

/** The names of all tests: gtest's `Suite.Name`, and the titles of jest's and node's. */
export function testNames(top) {
  const names = new Set();
  for (const file of sourceFiles(top, ['test'], ['.cpp'])) {
    for (const [, suite, name] of read(top, file).matchAll(/\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)/g)) names.add(`${suite}.${name}`);
  }
  for (const file of sourceFiles(top, ['test'], ['.ts', '.mjs'])) {
    for (const [, , title] of read(top, file).matchAll(/\b(?:it|test)(?:\.each\([^]*?\))?\(\s*(['"`])(.+?)\1/g)) names.add(title);
  }
  return names;
}

/** What is wrong with the entries of one RFC: unknown tests, and, with its text, sentences left out or made up. */
function faults(entries, names, sentences) {
  const found = [];
  for (const entry of entries) {
    for (const name of entry.tests) if (!names.has(name)) found.push(`§${entry.id}: no test is called ${name}`);
    if (entry.tests.length > 0 && entry.exception) found.push(`§${entry.id}: both tested and excepted`);
  }
  if (!sentences) return found;
  const listed = new Map(entries.map((entry) => [entry.id, entry.print]));
  for (const { section, number, print } of sentences) {
    const id = `${section}-${number}`;
    if (!listed.has(id)) found.push(`§${id} ${print}: has no entry`);
    else if (listed.get(id) !== print) found.push(`§${id}: the text has ${print}, the entry ${listed.get(id)}`);
    listed.delete(id);
  }
  for (const id of listed.keys()) found.push(`§${id}: is not in the text`);
  return found;
}

const isMissing = (entry) => entry.tests.length === 0 && !entry.exception;

/** `{ rows, faults, gaps }`: a row for each RFC; faults of the entries, and what is missing where nothing may be. */
export function report(top, textsIn) {
  const names = testNames(top);
  const rows = [];
  const faulty = [];
  const gaps = [];
  for (const document of documents) {
    const file = `test/rfc/rfc${document}.txt`;
    const entries = existsSync(path.join(top, file)) ? parseEntries(read(top, file)) : [];
    const sentences = textsIn && mustSentences(readFileSync(path.join(textsIn, `rfc${document}.txt`), 'utf8'));
    faulty.push(...faults(entries, names, sentences).map((fault) => `RFC ${document} ${fault}`));
    const missing = entries.filter(isMissing);
    for (const entry of missing) {
      if (lies(entry.section, complete[document])) gaps.push(`RFC ${document} §${entry.id}: missing: ${entry.gist}`);
    }
    rows.push({ document, entries, sentences, missing, excepted: entries.filter((entry) => entry.exception) });
  }
  return { rows, faults: faulty, gaps };
}

function showTables(tables, wanted) {
  console.log('table            rows   tested   excepted   missing');
  for (const { name, rows, missing } of tables) {
    const excepted = rows.filter(({ exception }) => exception).length;
    const counts = [rows.length - missing.length - excepted, excepted, missing.length].map((count, i) => String(count).padStart([9, 11, 10][i]));
    console.log(`${name.padEnd(12)}${String(rows.length).padStart(9)}${counts.join('')}`);
  }
  for (const { id, outcome, gist, tests, exception } of tables.find(({ name }) => name === wanted)?.rows ?? []) {
    console.log(`${id} ${outcome} ${gist}`);
    for (const name of tests) console.log(`    test ${name}`);
    if (exception) console.log(`    except ${exception}`);
  }
}

function show({ rows, findings, tables }, { onlyMissing, section, table }) {
  console.log('RFC    MUST sentences   tested   excepted   missing');
  for (const { document, entries, missing, excepted } of rows) {
    const tested = entries.length - missing.length - excepted.length;
    console.log(`${document}   ${String(entries.length).padStart(14)}${String(tested).padStart(9)}${String(excepted.length).padStart(11)}${String(missing.length).padStart(10)}`);
  }
  showTables(tables, table);
  for (const { document, entries, sentences } of rows) {
    const [wantedDocument, wantedSection] = section?.split('/') ?? [];
    for (const entry of entries) {
      const isWanted = wantedDocument === document && (wantedSection === undefined || lies(entry.section, [wantedSection]));
      if (!isWanted && !(onlyMissing && isMissing(entry))) continue;
      console.log(`RFC ${document} §${entry.id} ${entry.gist}`);
      for (const name of entry.tests) console.log(`    test ${name}`);
      if (entry.exception) console.log(`    except ${entry.exception}`);
      const sentence = sentences?.find(({ section: at, number }) => `${at}-${number}` === entry.id);
      if (sentence) console.log(`    "${sentence.sentence}"`);
    }
  }
  for (const finding of findings) console.log(finding);
  console.log(findings.length === 0 ? 'rfc: nothing is missing where nothing may be' : `rfc: ${findings.length} findings`);
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({
      options: { missing: { type: 'boolean' }, section: { type: 'string' }, table: { type: 'string' }, texts: { type: 'string' } },
    });
    const outcome = report(root, values.texts && path.resolve(values.texts));
    const tables = reportTables(root);
    const lacks = tables.flatMap(({ name, missing }) => missing.map(({ id, gist }) => `${name} ${id}: missing: ${gist}`));
    const findings = [...outcome.faults, ...outcome.gaps, ...tables.flatMap(({ faults: found }) => found), ...lacks];
    show({ rows: outcome.rows, findings, tables }, { onlyMissing: values.missing, section: values.section, table: values.table });
    process.exitCode = findings.length === 0 ? 0 : 1;
  });
}
