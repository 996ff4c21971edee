// How mutants are read and where they are put. That they are compiled and run is seen when they are: npm run mutants.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/lib/run.mjs';
import { mutate, parseMutants } from '../../scripts/mutants.mjs';

const list = `# a comment
file a.cpp

it stops
@ f()
- return 1;
+ return 2;

it forgets
- x = 1;
+
`;

test('mutants have a file, a name, a place and another text', () => {
  assert.deepEqual(parseMutants(list), [
    { file: 'a.cpp', name: 'it stops', anchor: 'f()', before: 'return 1;', after: 'return 2;' },
    { file: 'a.cpp', name: 'it forgets', before: 'x = 1;', after: '' },
  ]);
});

test('a list that cannot be understood is an error', () => {
  assert.throws(() => parseMutants('no file\n- a\n+ b\n'), /line 1 is no part/);
  assert.throws(() => parseMutants('file a.cpp\nhalf\n- a\n'), /half: needs - and \+/);
});

test('a mutant is put where it belongs', () => {
  const source = 'int g() { return 1; }\nint f() { return 1; }\n';
  assert.equal(mutate(source, { anchor: 'f()', before: 'return 1;', after: 'return 2;' }), 'int g() { return 1; }\nint f() { return 2; }\n');
  assert.throws(() => mutate(source, { before: 'return 1;', after: '' }), /more than one/);
  assert.throws(() => mutate(source, { before: 'return 3;', after: '' }), /no such place/);
  assert.throws(() => mutate(source, { anchor: 'h()', before: 'return 1;', after: '' }), /no such place/);
});

test('every mutant still has its place, its name only once, and there are enough', () => {
  const mutants = parseMutants(readFileSync(path.join(root, 'test/cpp/servermigration/mutants.txt'), 'utf8'));
  assert.ok(mutants.length >= 40);
  assert.equal(new Set(mutants.map(({ file, name }) => `${file}: ${name}`)).size, mutants.length);
  for (const mutant of mutants) {
    assert.ok(existsSync(path.join(root, mutant.file)), mutant.file);
    assert.doesNotThrow(() => mutate(readFileSync(path.join(root, mutant.file), 'utf8'), mutant), mutant.name);
  }
});
