// How test programs are counted, with shell scripts in the place of gtest binaries: above all, that a crash is a failure.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { runGtest } from '../../scripts/lib/suites.mjs';

const tree = mkdtempSync(path.join(os.tmpdir(), 'suites-'));
after(() => rmSync(tree, { recursive: true, force: true }));

const result = (name, failures = []) => ({ name, status: 'RUN', result: 'COMPLETED', failures });

/** A program that reports these cases, prints this text and ends with this command. */
function program(name, { cases, text = '', end }) {
  const report = cases && JSON.stringify({ testsuites: [{ testsuite: cases }] });
  const write = cases ? `for a in "$@"; do case $a in --gtest_output=json:*) echo '${report}' >"\${a#--gtest_output=json:}";; esac; done` : '';
  writeFileSync(path.join(tree, name), `#!/bin/sh\n${write}\ncat <<'END'\n${text}\nEND\n${end}\n`);
  chmodSync(path.join(tree, name), 0o755);
  return runGtest(name, { tree, serial: true });
}

test('counts what the report says', async () => {
  const { passed, failed } = await program('plain', { cases: [result('a'), result('b'), result('c', [{ failure: 'x' }])], end: 'exit 1' });
  assert.deepEqual({ passed, failed }, { passed: 2, failed: 1 });
});

test('counts a crash as a failure beside what was done before it', async () => {
  const text = '[       OK ] A.a (0 ms)\n[  FAILED  ] A.b (1 ms)\n[ RUN      ] A.c';
  const { passed, failed, output } = await program('crash', { text, end: 'kill -SEGV $$' });
  assert.deepEqual({ passed, failed }, { passed: 1, failed: 2 });
  assert.match(output, /crashed: it was ended by SIGSEGV/);
});

test('counts a bad exit after good cases as a failure', async () => {
  const { passed, failed } = await program('exit', { cases: [result('a')], end: 'exit 3' });
  assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
});

test('does not count what was skipped or not selected', async () => {
  const cases = [result('a'), { ...result('b'), result: 'SKIPPED' }, { name: 'c', status: 'NOTRUN', result: 'SUPPRESSED' }];
  const { passed, failed } = await program('skip', { cases, end: 'exit 0' });
  assert.deepEqual({ passed, failed }, { passed: 1, failed: 0 });
});

test('names what passed, without the marks of parameters', async () => {
  const cases = [
    { ...result('plain'), classname: 'Suite' },
    { ...result('each/Reactive4'), classname: 'Modes/Suite' },
    { ...result('broken', [{ failure: 'x' }]), classname: 'Suite' },
    { ...result('absent'), classname: 'Suite', result: 'SKIPPED' },
  ];
  const { passedNames } = await program('names', { cases, end: 'exit 1' });
  assert.deepEqual(passedNames, ['Suite.plain', 'Suite.each']);
});

test('a program that was not built is a failure', async () => {
  const { passed, failed } = await runGtest('nothing', { tree, serial: true });
  assert.deepEqual({ passed, failed }, { passed: 0, failed: 1 });
});
