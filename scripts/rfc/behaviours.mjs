// What server migration owes to the fork that invented it: test/rfc/migration.txt says of each behaviour that the fork tests
// which test of ours shows it, or in what ours differs; the table of faults in cpp/quic/servermigration/README.md says of each
// fault of the fork which test shows that ours has it not. Every other test that it or FORK.md names must exist as
// well, and each of its requirements is covered by a test.
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
import { read, sourceFiles } from '../lib/files.mjs';

const behavioursFile = 'test/rfc/migration.txt';
const readmeFile = 'cpp/quic/servermigration/README.md';
const forkFile = 'cpp/quic/servermigration/FORK.md';
const faultsHeading = '## The faults of the fork';
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

/** The rows of the README's table of faults: `[{ number, fault, answer, tests }]`. */
export function parseFaults(readme) {
  const [, section = ''] = readme.split(`${faultsHeading}\n`);
  const [table] = section.split(/^## /m);
  const rows = [...table.matchAll(/^\| (\d+) \| (.*?) \| (.*) \|$/gm)];
  return rows.map(([, number, fault, answer]) => ({ number: Number(number), fault, answer, tests: testsIn(answer, { withTitles: true }) }));
}

/** What stands between backticks and is a test: `Suite.Name`; `.Name`, of the suite before it; words: a title of jest's. */
function testsIn(line, { withTitles }) {
  const tests = [];
  let suite;
  for (const [, code] of line.matchAll(/`([^`]+)`/g)) {
    const [, named, name] = /^([A-Z]\w*)?\.([A-Z]\w*)$/.exec(code) ?? [];
    if (named) suite = named;
    if (name) tests.push(`${suite}.${name}`);
    else if (withTitles && /^\w.* \w/.test(code)) tests.push(code);
  }
  return tests;
}

/** Tests that any line of a text names. */
function testsOf(text) {
  return text.split('\n').flatMap((line) => testsIn(line, { withTitles: false }));
}

const doesNotApply = /does not apply\b[^:]*: *\S/;
const isNotAnswered = /not answered\b[^:]*: *\S/;

function faultFaults(rows, names) {
  const found = [];
  if (rows.length !== faultCount) found.push(`has ${rows.length} faults instead of ${faultCount}`);
  for (const [index, { number, fault, answer, tests }] of rows.entries()) {
    const row = `fault ${number} (${fault})`;
    if (number !== index + 1) found.push(`${row}: should be number ${index + 1}`);
    for (const test of tests) if (!names.has(test)) found.push(`${row}: no test is called ${test}`);
    if (tests.length === 0 && !doesNotApply.test(answer) && !isNotAnswered.test(answer)) {
      found.push(`${row}: names no test, and does not say \`does not apply: why\``);
    }
  }
  return found;
}

/** Each requirement of the README (`**SM-nn**`) is cited by a test (`// covers SM-nn`), and no other one is. */
function requirementFaults(top, readme) {
  const required = new Set([...readme.matchAll(/\*\*(SM-\d+)\*\*/g)].map(([, id]) => id));
  const covered = new Map();
  for (const file of sourceFiles(top, ['test'], ['.cpp'])) {
    for (const [line] of read(top, file).matchAll(/covers .*/g)) for (const [id] of line.matchAll(/SM-\d+/g)) covered.set(id, file);
  }
  return [
    ...[...required].filter((id) => !covered.has(id)).map((id) => `${readmeFile}: no test covers ${id}`),
    ...[...covered].filter(([id]) => !required.has(id)).map(([id, file]) => `${file}: covers ${id}, which does not exist`),
  ];
}

/** `{ findings, notes, named }` of both tables, as far as a tree has them; `names` are those of the tests that there are. */
export function reportBehaviours(top, names) {
  const report = { findings: [], notes: [], named: new Set() };
  if (!existsSync(path.join(top, behavioursFile))) return report;
  const readme = read(top, readmeFile);
  const behaviours = parseBehaviours(read(top, behavioursFile));
  const faults = parseFaults(readme);
  const fork = existsSync(path.join(top, forkFile)) ? read(top, forkFile) : '';
  const elsewhere = [...testsOf(readme), ...testsOf(fork)].filter((test) => !faults.some(({ tests }) => tests.includes(test)));
  report.findings.push(
    ...behaviourFaults(behaviours, names, readme).map((fault) => `${behavioursFile}: ${fault}`),
    ...faultFaults(faults, names).map((fault) => `${readmeFile}: ${fault}`),
    ...requirementFaults(top, readme),
    ...elsewhere.filter((test) => !names.has(test)).map((test) => `cpp/quic/servermigration: no test is called ${test}`),
  );
  const shapes = behaviours.rows.filter(({ differs }) => differs?.kind === 'shape').length;
  const differing = behaviours.rows.filter(({ differs }) => differs).length - shapes;
  const tested = faults.filter(({ tests }) => tests.length > 0).length;
  report.notes.push(
    `${behaviours.rows.length} behaviours: ${behaviours.rows.length - differing - shapes} tested, ${differing} differ, ${shapes} have nothing to compare with`,
    `${faults.length} faults: ${tested} tested, ${faults.length - tested} answered in words`,
  );
  for (const { tests } of [...behaviours.rows, ...faults, { tests: elsewhere }]) tests.forEach((test) => report.named.add(test));
  return report;
}
