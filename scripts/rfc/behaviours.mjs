// What server migration owes to the fork that invented it: test/rfc/migration.txt says of each behaviour that the fork tests
// which test of ours shows it, or in what ours differs.
//
//   rows 254                                        how many entries there are, numbered from 1
//   202 Suite.Case a search begins at a PTO         number, the fork's test, what it is about in our own words
//     test Suite.Name                               every test of ours that shows it, or that shows what ours does instead
//     differs BUG 30: the path has state of its own and why: a fault of the fork, a requirement (SM-nn) of ours, or `shape`:
//                                                   there is no such thing in our API, so nothing that a test could call
//
// A name is gtest's `Suite.Name`, or the title of a test of jest.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { read } from '../lib/files.mjs';

const behavioursFile = 'test/rfc/migration.txt';
const readmeFile = 'cpp/quic/servermigration/README.md';
const faultCount = 51;

/** `{ count, rows: [{ number, name, gist, tests, differs: { kind, reason } }] }`. Throws on a line that it does not understand. */
export function parseBehaviours(text) {
  let count;
  const rows = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const head = /^(\d+) (\w+\.\w+) (\S.*)$/.exec(line);
    const [, kind, rest] = /^ {2}(test|differs) (\S.*)$/.exec(line) ?? [];
    const [, declared] = /^rows (\d+)$/.exec(line) ?? [];
    if (declared) count = Number(declared);
    else if (head) rows.push({ number: Number(head[1]), name: head[2], gist: head[3], tests: [] });
    else if (kind === 'test' && rows.length > 0) rows.at(-1).tests.push(rest.trim());
    else if (kind === 'differs' && rows.length > 0) rows.at(-1).differs = readDifference(rest, index);
    else throw new Error(`${behavioursFile}: line ${index + 1} is no entry: ${line}`);
  }
  return { count, rows };
}

function readDifference(text, index) {
  const found = /^(shape|BUG \d+|SM-\d+): (\S.*)$/.exec(text);
  if (!found) throw new Error(`${behavioursFile}: line ${index + 1}: a difference is \`BUG n: why\`, \`SM-nn: why\` or \`shape: why\``);
  return { kind: found[1], reason: found[2] };
}

/** What is wrong with the entries: numbers, unknown tests, unknown faults and requirements, rows that are neither. */
function behaviourFaults({ count, rows }, names, readme) {
  const found = [];
  if (count !== rows.length) found.push(`says ${count} rows and has ${rows.length}`);
  for (const [index, { number, name, gist, tests, differs }] of rows.entries()) {
    const row = `${number} ${name}`;
    if (number !== index + 1) found.push(`${row}: should be number ${index + 1}`);
    for (const test of tests) if (!names.has(test)) found.push(`${row}: no test is called ${test}`);
    if (!differs && tests.length === 0) found.push(`${row}: neither tested nor said to differ: ${gist}`);
    if (!differs || differs.kind === 'shape') continue;
    if (tests.length === 0) found.push(`${row}: differs, and no test shows how`);
    const [, bug] = /^BUG (\d+)$/.exec(differs.kind) ?? [];
    if (bug ? Number(bug) < 1 || Number(bug) > faultCount : !readme.includes(`**${differs.kind}**`)) found.push(`${row}: there is no ${differs.kind}`);
  }
  return found;
}

/** `{ findings, notes, named }` of the table, if a tree has it; `names` are those of the tests that there are. */
export function reportBehaviours(top, names) {
  const report = { findings: [], notes: [], named: new Set() };
  if (!existsSync(path.join(top, behavioursFile))) return report;
  const readme = read(top, readmeFile);
  const behaviours = parseBehaviours(read(top, behavioursFile));
  report.findings.push(
    ...behaviourFaults(behaviours, names, readme).map((fault) => `${behavioursFile}: ${fault}`),
  );
  const shapes = behaviours.rows.filter(({ differs }) => differs?.kind === 'shape').length;
  const differing = behaviours.rows.filter(({ differs }) => differs).length - shapes;
  report.notes.push(
    `${behaviours.rows.length} behaviours: ${behaviours.rows.length - differing - shapes} tested, ${differing} differ, ${shapes} have nothing to compare with`,
  );
  for (const { tests } of behaviours.rows) tests.forEach((test) => report.named.add(test));
  return report;
}
