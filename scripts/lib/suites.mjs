// The kinds of test suites and how each is counted: gtest binaries, jest, node's own runner. A suite resolves with
// { name, passed, failed, output, passedNames }; output is shown when something failed, the names (not of node's) are gtest's
// `Suite.Name` without the marks of parameters, and jest's titles. A program that crashes counts as one failure.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, run } from './run.mjs';

const usualTimeoutMs = 15 * 60 * 1000;
const reports = path.join(root, 'build/reports');

function freshReport(name) {
  mkdirSync(reports, { recursive: true });
  const file = path.join(reports, name);
  rmSync(file, { force: true });
  return file;
}

function how(result, timeoutMs = usualTimeoutMs) {
  if (result.timedOut) return `did not end within ${timeoutMs / 60_000} minutes`;
  return result.signal ? `was ended by ${result.signal}` : `exited with ${result.code}`;
}

/** The counts of one gtest report; undefined when the program did not live to write it. */
function readGtest(file) {
  if (!existsSync(file)) return undefined;
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const cases = (report.testsuites ?? []).flatMap((suite) => suite.testsuite ?? []).filter((one) => one.status === 'RUN');
  const failed = cases.filter((one) => one.failures?.length > 0).length;
  const skipped = cases.filter((one) => one.result === 'SKIPPED').length;
  return { passed: cases.length - failed - skipped, failed, passedNames: namesOfPassed(cases) };
}

/** `Moves/EveryMove.TakesItsConnectionsAlong/4` is EveryMove.TakesItsConnectionsAlong. */
function namesOfPassed(cases) {
  const passed = cases.filter(({ result, failures = [] }) => result === 'COMPLETED' && failures.length === 0);
  return passed.map(({ classname = '', name }) => `${classname.replace(/^.*\//, '')}.${name.replace(/\/.*$/, '')}`);
}

/** What can be said of a gtest program from its output alone. */
function countFromOutput(output) {
  return { passed: output.match(/^\[ {7}OK \]/gm)?.length ?? 0, failed: output.match(/^\[ {2}FAILED {2}\] .*\(\d+ ms\)$/gm)?.length ?? 0 };
}

async function runShard(binary, name, { filter, env, index, shards, timeoutMs }) {
  const report = freshReport(`${name}-${index}.json`);
  const shardEnv = shards > 1 ? { GTEST_TOTAL_SHARDS: String(shards), GTEST_SHARD_INDEX: String(index) } : {};
  const args = [`--gtest_output=json:${report}`, '--gtest_color=no', ...(filter ? [`--gtest_filter=${filter}`] : [])];
  const result = await run(binary, args, { env: { ...process.env, ...env, ...shardEnv }, timeoutMs });
  const counts = readGtest(report);
  if (counts === undefined) {
    const { passed, failed } = countFromOutput(result.output);
    return { passed, failed: failed + 1, passedNames: [], output: `${result.output}\n${name} crashed: it ${how(result, timeoutMs)}\n` };
  }
  if (!result.ok && counts.failed === 0) counts.failed = 1;
  return { ...counts, output: result.ok ? '' : `${result.output}\n${name} ${how(result, timeoutMs)}\n` };
}

/** A gtest binary, split over the processors unless `serial`. */
export async function runGtest(name, { tree, filter, env = {}, serial = false, timeoutMs = usualTimeoutMs }) {
  const binary = path.join(tree, name);
  if (!existsSync(binary)) return { name, passed: 0, failed: 1, output: `${binary} was not built\n` };
  const shards = serial ? 1 : os.availableParallelism();
  const parts = await Promise.all(
    Array.from({ length: shards }, (_, index) => runShard(binary, name, { filter, env, index, shards, timeoutMs })),
  );
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
  const passedNames = parts.flatMap((part) => part.passedNames);
  return { name, passed: sum('passed'), failed: sum('failed'), output: parts.map((part) => part.output).join(''), passedNames };
}

export async function runJest({ patterns = [] } = {}) {
  const name = 'jest';
  const report = freshReport('jest.json');
  const jest = path.join(root, 'node_modules/jest/bin/jest.js');
  const args = [jest, '--ci', '--json', `--outputFile=${report}`, ...patterns];
  const result = await run(process.execPath, args, { timeoutMs: usualTimeoutMs });
  if (!existsSync(report)) return { name, passed: 0, failed: 1, output: `${result.output}\njest ${how(result)}\n` };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const notRun = testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0).length;
  const failed = numFailedTests + notRun;
  const messages = testResults.map((suite) => suite.message).filter((text) => text !== '').join('\n');
  return {
    name,
    passed: numPassedTests,
    failed: failed === 0 && !result.ok ? 1 : failed,
    output: result.ok ? '' : `${messages}\njest ${how(result)}\n`,
    passedNames: testResults.flatMap((suite) => suite.assertionResults.filter(({ status }) => status === 'passed').map(({ title }) => title)),
  };
}

/** Node's own runner over test/scripts: the tests of the checks. */
export async function runNodeTests() {
  const name = 'tests of the checks';
  const folder = path.join(root, 'test/scripts');
  const files = readdirSync(folder).filter((file) => file.endsWith('.test.mjs')).map((file) => path.join(folder, file));
  const result = await run(process.execPath, ['--test', '--test-reporter=tap', ...files], { timeoutMs: usualTimeoutMs });
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(result.output)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return { name, passed: count('pass'), failed: failed === 0 && !result.ok ? 1 : failed, output: result.ok ? '' : result.output };
}
