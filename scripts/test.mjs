// npm test: sets up and builds what is missing, runs everything, and ends with one line: N passed, N failed.
// Quiet while things go well; the whole output of what failed.
//
//   node scripts/test.mjs                        checks, C++, simulation, io, jest, the package, and under sanitizers once more
//   node scripts/test.mjs --only=cpp,sim         some of: check scripts cpp sim io js package asan tsan
//   node scripts/test.mjs --only=cpp StreamManager      cases whose name has the word (gtest filter, or jest pattern)
//   node scripts/test.mjs --seeds 1000 --seed 7  how many seeds the simulation takes, and from which on
//   node scripts/test.mjs --only=sim --full      every seed in full size where usually a sample has to do: takes hours
//   node scripts/test.mjs --sanitize=address     the C++ suites under a sanitizer (address also means undefined)
//   node scripts/test.mjs --no-setup             trust that everything is built
//
// The simulation reads NODE_MVFST_SEED (first seed), NODE_MVFST_SEEDS (how many) and NODE_MVFST_FULL. The first seed changes
// from run to run and is printed, so that every run looks somewhere else and every failure can be had again.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureTestCerts } from './gen-test-certs.mjs';
import { sourceFiles } from './lib/files.mjs';
import { root, runShown, seconds } from './lib/run.mjs';
import { runGtest, runJest, runNodeTests } from './lib/suites.mjs';

/** The core's tests under ASan and UBSan, the shell's under TSan: where threads are. */
const sanitized = {
  asan: { sanitize: 'address', programs: ['quic_tests', 'quic_sim_tests'] },
  tsan: { sanitize: 'thread', programs: ['quic_io_tests'] },
};
const everything = ['check', 'scripts', 'cpp', 'sim', 'io', 'js', 'package', ...Object.keys(sanitized)];
/** Where the tests are that a table may name. */
const suitesWithNames = ['cpp', 'sim', 'io', 'js'];
/** Sanitizers are ten times slower; what they look for shows in few seeds. */
const sanitizedSeeds = '60';
const fullTimeoutMs = 24 * 60 * 60 * 1000;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' }, seeds: { type: 'string' }, seed: { type: 'string' }, full: { type: 'boolean' },
      sanitize: { type: 'string' }, 'no-setup': { type: 'boolean' },
    },
  });
  const only = values.only?.split(',') ?? (values.sanitize ? ['cpp', 'sim', 'io'] : everything);
  const unknown = only.filter((name) => !everything.includes(name));
  if (unknown.length > 0) throw new Error(`--only takes ${everything.join(', ')}, not ${unknown.join(', ')}`);
  const seeds = values.seeds ?? (values.sanitize ? sanitizedSeeds : '1000');
  return { ...values, seeds, only, patterns: positionals };
}

async function setUp({ only, sanitize }) {
  const plain = only.filter((name) => !(name in sanitized));
  const isOnlyCpp = plain.every((name) => ['cpp', 'sim', 'io'].includes(name));
  const args = ['scripts/setup.mjs', `--for=${isOnlyCpp ? 'cpp' : 'test'}`, ...(sanitize ? [`--sanitize=${sanitize}`] : [])];
  if (plain.length === 0) args.push('--no-build');
  return runShown(process.execPath, args);
}

/** Built when its turn comes: the quick suites are not kept waiting. */
async function runSanitized(name, { filter, seed, isBuilt }) {
  const { sanitize, programs } = sanitized[name];
  const build = ['scripts/build.mjs', `--sanitize=${sanitize}`, ...programs.map((program) => `--target=${program}`)];
  if (!isBuilt && !(await runShown(process.execPath, build))) return { name, passed: 0, failed: 1, output: 'it could not be built\n' };
  const sum = { name: `${programs.join(' and ')} with ${name}`, passed: 0, failed: 0, output: '' };
  for (const program of programs) {
    const env = {
      NODE_MVFST_SEED: seed,
      NODE_MVFST_SEEDS: sanitizedSeeds,
      UBSAN_OPTIONS: 'print_stacktrace=1',
      TSAN_OPTIONS: `suppressions=${path.join(root, 'test/io/tsan-suppressions.txt')}`,
    };
    const part = await runGtest(program, { tree: path.join(root, 'build', sanitize), filter, env, serial: program === 'quic_io_tests' });
    sum.passed += part.passed;
    sum.failed += part.failed;
    sum.output += part.output;
  }
  return sum;
}

async function runCheck() {
  const { runChecks } = await import('./check.mjs');
  const outcomes = await runChecks(root);
  const failed = outcomes.filter(({ findings }) => findings.length > 0).length;
  return { name: 'check', passed: outcomes.length - failed, failed, output: '' };
}

/** After a whole run: every test that the tables of server migration name was in it, and passed (scripts/rfc/behaviours.mjs). */
async function checkThatNamedTestsRan(passedNames) {
  const { reportBehaviours } = await import('./rfc/behaviours.mjs');
  const { testNames } = await import('./rfc.mjs');
  const { named, notes } = reportBehaviours(root, testNames(root));
  const missing = [...named].filter((name) => !passedNames.has(name));
  for (const note of notes) console.log(note);
  return {
    name: 'tests that tables name ran',
    passed: named.size - missing.length,
    failed: missing.length,
    output: missing.map((name) => `named, but did not run and pass: ${name}\n`).join(''),
  };
}

async function runPackage() {
  const { testPackage } = await import('./test-package.mjs');
  return testPackage();
}

/** The suites in order, as functions; a folder without sources has none. */
function plan({ only, patterns, sanitize, seed, seeds, full, 'no-setup': isBuilt }) {
  const tree = path.join(root, 'build', sanitize ?? '');
  const filter = patterns.length > 0 ? patterns.map((word) => `*${word}*`).join(':') : undefined;
  const extent = { NODE_MVFST_SEED: seed, NODE_MVFST_SEEDS: seeds, NODE_MVFST_FULL: full ? '1' : '0' };
  const env = { ...extent, UBSAN_OPTIONS: 'print_stacktrace=1' };
  const gtest = (name, folder, options = {}) => [folder, ['.cpp'], () => runGtest(name, { tree, filter, env, ...options })];
  const suites = {
    check: ['scripts', ['.mjs'], runCheck],
    scripts: ['test/scripts', ['.mjs'], runNodeTests],
    cpp: gtest('quic_tests', 'test/cpp'),
    sim: gtest('quic_sim_tests', 'test/sim', { timeoutMs: full ? fullTimeoutMs : undefined }),
    io: gtest('quic_io_tests', 'test/io', { serial: true }),
    js: ['test/lib', ['.ts'], () => runJest({ patterns })],
    package: ['scripts', ['.mjs'], runPackage],
    asan: ['test/cpp', ['.cpp'], () => runSanitized('asan', { filter, seed, isBuilt })],
    tsan: ['test/io', ['.cpp'], () => runSanitized('tsan', { filter, seed, isBuilt })],
  };
  return only.map((name) => [name, ...suites[name]]);
}

async function runAll(options) {
  const total = { passed: 0, failed: 0 };
  const passedNames = new Set();
  if (!options['no-setup'] && !(await setUp(options))) {
    console.log('setup or build failed, see above');
    return { passed: 0, failed: 1 };
  }
  mkdirSync(path.join(root, 'build'), { recursive: true });
  await ensureTestCerts();
  if (options.only.includes('sim')) console.log(`simulation: ${options.seeds} seeds from ${options.seed} on (--seed ${options.seed} repeats this)`);
  for (const [name, folder, extensions, work] of plan(options)) {
    if (sourceFiles(root, [folder], extensions).length === 0) {
      console.log(`- ${name}: ${folder}/ is empty`);
      continue;
    }
    const began = Date.now();
    const suite = await work();
    suite.passedNames?.forEach((test) => passedNames.add(test));
    total.passed += suite.passed;
    total.failed += suite.failed;
    show(suite, began);
  }
  if (suitesWithNames.every((name) => options.only.includes(name)) && options.patterns.length === 0) {
    const began = Date.now();
    const suite = await checkThatNamedTestsRan(passedNames);
    total.failed += suite.failed;  // what passed is counted already
    show(suite, began);
  }
  return total;
}

function show({ name, passed, failed, output }, began) {
  if (failed > 0 && output !== '') console.log(`\n${output}`);
  console.log(`${failed === 0 ? '✔' : '✘'} ${name}: ${passed} passed, ${failed} failed (${seconds(began)})`);
}

let outcome = { passed: 0, failed: 1 };
const began = Date.now();
try {
  const options = readArguments();
  options.seed ??= String(Math.floor(Date.now() / 1000) % 1_000_000);
  outcome = await runAll(options);
} catch (error) {
  console.error(error.message ?? error);
}
console.log(`in ${seconds(began)}`);
console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
process.exitCode = outcome.failed === 0 && outcome.passed > 0 ? 0 : 1;
