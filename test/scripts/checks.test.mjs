// Each check is shown a small clean tree and must be green, then the same tree with one sin and must be red and name the file.
// Assumes g++, ar, ld, nm, ninja, cmake and clang-format-19; sees nothing of the real tree but its layers.txt.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { checkCoverage } from '../../scripts/check-coverage.mjs';
import { checkFormat } from '../../scripts/check-format.mjs';
import { checkHeaders } from '../../scripts/check-headers.mjs';
import { checkLayers } from '../../scripts/check-layers.mjs';
import { checkLint } from '../../scripts/check-lint.mjs';
import { checkSansIo } from '../../scripts/check-sans-io.mjs';
import { checkSizes } from '../../scripts/check-sizes.mjs';
import { checkTopLevel } from '../../scripts/check-top-level.mjs';
import { checkTypeScript } from '../../scripts/check-typescript.mjs';
import { checkWords } from '../../scripts/check-words.mjs';
import { functionsOf } from '../../scripts/lib/cpp.mjs';
import { mustRun, root } from '../../scripts/lib/run.mjs';

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const clean = {
  'package.json': '{}\n',
  'package-lock.json': '{}\n',
  'CMakeLists.txt': '# nothing\n',
  'README.md': '# A project\n\nIt keeps its cache in ~/.cache/name.\n',
  'CHANGELOG.md': '# Changes\n',
  LICENSE: 'MIT\n',
  NOTICE: 'none\n',
  '.ci/run': '#!/usr/bin/env bash\n',
  'scripts/ok.mjs': 'export const one = 1;\n',
  'binding/module.cc': '#include "io/Loop.h"\n',
  'cpp/quic/common/Number.h': '#pragma once\n\n#include <cstdint>\n\nnamespace quic {\nusing Number = uint64_t;\n}  // namespace quic\n',
  'cpp/quic/state/QuicConnectionState.h': '#pragma once\n\n#include "quic/common/Number.h"\n',
  'cpp/quic/state/Streams.cpp': '#include "quic/common/Number.h"\n\nnamespace quic {\nNumber add(Number a, Number b) { return a + b; }\n}  // namespace quic\n',
  'cpp/quic/api/Engine.cpp': '#include "quic/state/QuicConnectionState.h"\n',
  'cpp/io/Loop.h': '#pragma once\n\n#include <sys/socket.h>\n\n#include <chrono>\n\ninline auto now() { return std::chrono::steady_clock::now(); }\n',
  'lib/index.ts': 'export function first(list: readonly string[]): string | undefined {\n  return list[0];\n}\n',
  'test/lib/index.test.ts': "import { first } from '../../lib/index';\n\ntest('takes the first', () => {\n  expect(first(['a'])).toBe('a');\n});\n",
};

/** A clean tree, with some files changed or added. */
function tree(changes = {}) {
  const folder = mkdtempSync(path.join(root, 'build', 'checks-'));
  folders.push(folder);
  for (const [name, text] of Object.entries({ ...clean, ...changes })) {
    if (text === undefined) continue;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  for (const name of ['cpp/layers.txt', 'lib/tsconfig.json', 'lib/tsconfig.test.json', '.eslint.config.mjs']) {
    if (!(name in changes)) cpSync(path.join(root, name), path.join(folder, name));
  }
  return folder;
}

/** Green on the clean tree; red with each sin, and the words of the finding match. */
function plants(name, check, sins) {
  describe(name, () => {
    test('is green on a clean tree', async () => {
      assert.deepEqual((await check(tree())).findings, []);
    });
    for (const [title, changes, expected] of sins) {
      test(`is red: ${title}`, async () => {
        const { findings } = await check(tree(changes));
        assert.match(findings.join('\n'), expected);
      });
    }
  });
}

mkdirSync(path.join(root, 'build'), { recursive: true });

plants('check-layers', checkLayers, [
  ['a layer includes one above it', { 'cpp/quic/common/Bad.h': '#include "quic/state/Streams.h"\n' }, /common\/Bad\.h:1: common may not include state/],
  ['client and server include each other', { 'cpp/quic/client/Bad.cpp': '\n#include "quic/server/Router.h"\n' }, /client\/Bad\.cpp:2: client may not include server/],
  ['tls includes more than handshake', { 'cpp/quic/tls/Bad.cpp': '#include "quic/loss/Loss.h"\n' }, /tls may not include loss/],
  ['state reaches for the whole connection', { 'cpp/quic/state/Bad.cpp': '#include "quic/state/QuicConnectionState.h"\n' }, /QuicConnectionState\.h is only for api, client, server/],
  ['the core uses a thread', { 'cpp/quic/loss/Bad.h': '#include <thread>\n' }, /<thread> is only for io, binding/],
  ['the core uses a system header', { 'cpp/quic/api/Bad.cpp': '#include <sys/socket.h>\n' }, /<sys\/socket\.h> is only for/],
  ['the core uses randomness', { 'cpp/quic/api/Bad.cpp': '#include <random>\n' }, /<random> is only for/],
  ['OpenSSL outside tls', { 'cpp/io/Bad.cpp': '#include <openssl/ssl.h>\n' }, /<openssl\/ssl\.h> is only for tls/],
  ['a source file is included', { 'cpp/io/Bad.cpp': '#include "io/Loop.cpp"\n' }, /includes a source file/],
  ['a relative include', { 'cpp/quic/state/Bad.cpp': '#include "../common/Number.h"\n' }, /should be named from cpp\//],
  ['a folder that is no layer', { 'cpp/quic/utils/Bad.h': '\n' }, /utils\/Bad\.h:1: is in no layer/],
  ['the core reads the clock', { 'cpp/quic/loss/Bad.cpp': 'auto t = std::chrono::steady_clock::now();\n' }, /Bad\.cpp:1: steady_clock::now is only for/],
  ['the layers have a cycle', { 'cpp/layers.txt': 'common: state\nstate: common\n' }, /a cycle: common -> state -> common/],
]);

test('check-layers does not mind what a comment or a string says', () => {
  const { findings } = checkLayers(tree({ 'cpp/quic/loss/Fine.cpp': '// #include <thread>\n/* steady_clock::now() */\nauto s = "steady_clock::now()";\n' }));
  assert.deepEqual(findings, []);
});

const coverage = (table, source = '// row F01\nTEST(Close, OfAFrame) {}\n') => ({ 'test/rfc/must-close.txt': table, 'test/cpp/CloseTest.cpp': source });
plants('check-coverage', checkCoverage, [
  ['a row names a test that is not there', coverage('F01 FRAME_ENCODING_ERROR a frame\n  test Close.OfAnother\n'), /F01: no test is called Close\.OfAnother/],
  ['a row has no test', coverage('F01 FRAME_ENCODING_ERROR a frame\n'), /must-close F01: no test: a frame/],
  ['a test does not know its row', coverage('F01 FRAME_ENCODING_ERROR a frame\n  test Close.OfAFrame\n', 'TEST(Close, OfAFrame) {}\n'), /F01: the file of Close\.OfAFrame does not name the row/],
  ['a row is there twice', coverage('F01 lives a\n  test Close.OfAFrame\nF01 lives a\n  test Close.OfAFrame\n'), /F01: is there twice/],
  ['a row is both tested and excepted', coverage('F01 lives a\n  test Close.OfAFrame\n  except none\n'), /F01: both tested and excepted/],
  ['a MUST sentence names a test that is not there', { 'test/rfc/rfc9000.txt': '§1-1 01234567 a rule\n  test Close.OfAnother\n' }, /RFC 9000 §1-1: no test is called/],
]);

test('check-coverage only tells of a MUST sentence without a test where one may be missing', () => {
  const entry = (section) => ({ 'test/rfc/rfc9001.txt': `§${section} 01234567 a rule\n` });
  const told = checkCoverage(tree(entry('9.2-1')));
  assert.deepEqual(told.findings, []);
  assert.deepEqual(told.notes, ['RFC 9001: 1 MUST sentences without a test']);
  assert.match(checkCoverage(tree(entry('5.6-1'))).findings.join(), /RFC 9001 §5\.6-1: missing: a rule/);
});

/** What the fork is said to do, and its faults: of the latter there must be 51, one of them with `answer`. */
const fork = ({ behaviours = 'rows 1\n1 Old.Case a move\n  test Move.Happens\n', answer = '`Move.Happens`', rest = '-' }) => ({
  'test/rfc/migration.txt': behaviours,
  'cpp/quic/servermigration/README.md': `* **SM-01** A rule.\n\n## The faults of the fork\n\n| | fault | answered by |\n|---|---|---|\n${Array.from(
    { length: 51 },
    (_, index) => `| ${index + 1} | it does wrong | ${index === 6 ? answer : 'does not apply: there is no such thing'} |\n`,
  ).join('')}\n## Another table\n\n| 52 | no fault | ${rest} |\n`,
  'test/cpp/MoveTest.cpp': '// covers SM-01\nTEST(Move, Happens) {}\nTEST_P(Move, HappensAgain) {}\n',
  'test/lib/move.test.ts': "test('a move happens', () => {});\n",
});
plants('check-coverage, of the fork', checkCoverage, [
  ['a behaviour names a test that is not there', fork({ behaviours: 'rows 1\n1 Old.Case a move\n  test Move.Stops\n' }), /1 Old\.Case: no test is called Move\.Stops/],
  ['a behaviour is neither tested nor different', fork({ behaviours: 'rows 1\n1 Old.Case a move\n' }), /1 Old\.Case: neither tested nor said to differ: a move/],
  ['a difference that no test shows', fork({ behaviours: 'rows 1\n1 Old.Case a move\n  differs BUG 7: better\n' }), /1 Old\.Case: differs, and no test shows how/],
  ['a difference for a fault that is none', fork({ behaviours: 'rows 1\n1 Old.Case a move\n  test Move.Happens\n  differs BUG 52: better\n' }), /there is no BUG 52/],
  ['a difference for a rule that is none', fork({ behaviours: 'rows 1\n1 Old.Case a move\n  test Move.Happens\n  differs SM-02: better\n' }), /there is no SM-02/],
  ['a behaviour is left out', fork({ behaviours: 'rows 2\n2 Old.Case a move\n  test Move.Happens\n' }), /says 2 rows and has 1\n.*2 Old\.Case: should be number 1/],
  ['a fault names a test that is not there', fork({ answer: 'here: `Move.Happens`, `.Stops`' }), /fault 7 \(it does wrong\): no test is called Move\.Stops/],
  ['a fault is somebody else\'s', fork({ answer: 'engine' }), /fault 7 \(it does wrong\): names no test, and does not say/],
  ['a fault does not apply, nobody says why', fork({ answer: 'does not apply' }), /fault 7 .*names no test/],
  ['another table names a test that is not there', fork({ rest: '`Move.Happens`, `.Stops`' }), /servermigration: no test is called Move\.Stops/],
  ['a requirement that no test covers', { ...fork({}), 'test/cpp/MoveTest.cpp': 'TEST(Move, Happens) {}\n' }, /no test covers SM-01/],
  ['a test covers a requirement that is none', { ...fork({}), 'test/cpp/OtherTest.cpp': '// covers SM-01, SM-99\n' }, /OtherTest\.cpp: covers SM-99/],
  ['a fault is left out', { ...fork({}), 'cpp/quic/servermigration/README.md': '## The faults of the fork\n\n| 1 | it | `Move.Happens` |\n' }, /has 1 faults instead of 51/],
]);

test('check-coverage takes tests with parameters, titles and reasons, and counts', () => {
  const behaviours = `rows 3
1 Old.Case a move
  test Move.HappensAgain
  test a move happens
2 Old.Other another
  test Move.Happens
  differs SM-01: better
3 Old.Last none
  differs shape: there is nothing to call
`;
  const { findings, notes } = checkCoverage(tree(fork({ behaviours, answer: '`Move.Happens`, `.HappensAgain`, `a move happens`; see `prepare`' })));
  assert.deepEqual(findings, []);
  assert.deepEqual(notes, ['3 behaviours: 1 tested, 1 differ, 1 have nothing to compare with', '51 faults: 1 tested, 50 answered in words']);
  assert.throws(() => checkCoverage(tree(fork({ behaviours: 'rows 1\n1 Old.Case a move\n  differs because\n' }))), /line 3: a difference is/);
});

const lines = (count, line) => `${line}\n`.repeat(count);
plants('check-sizes', checkSizes, [
  ['a C++ file of 801 lines', { 'cpp/io/Long.h': lines(801, '// x') }, /Long\.h:1: 801 lines, at most 800/],
  ['a TypeScript file of 801 lines', { 'lib/long.ts': lines(801, '// x') }, /long\.ts:1: 801 lines/],
  ['a C++ function of 101 lines', { 'cpp/io/Long.cpp': `namespace a {\nvoid B::f() const noexcept {\n${lines(99, '  g();')}}\n}\n` }, /Long\.cpp:2: B::f has 101 lines/],
  ['a constructor with initialisers', { 'cpp/io/Long.cpp': `B::B() : a_{1}, b_(2) {\n${lines(99, '  g();')}}\n` }, /Long\.cpp:1: B::B has 101 lines/],
  ['a method in a class', { 'cpp/io/Long.h': `class A : public B {\n public:\n  int f(int a) override {\n${lines(99, '  g();')}  }\n};\n` }, /Long\.h:3: f has 101 lines/],
  ['a test of 101 lines', { 'test/cpp/LongTest.cpp': `TEST(Thing, DoesIt) {\n${lines(99, '  g();')}}\n` }, /TEST has 101 lines/],
  ['a TypeScript function of 101 lines', { 'lib/long.ts': `export class A {\n  f(): void {\n${lines(99, '    g();')}  }\n}\n` }, /long\.ts:2: f has 101 lines/],
  ['seven parameters in C++', { 'cpp/io/Wide.h': 'void f(int a, std::map<int, int> b, int c, int d, int e, int g, int h) {}\n' }, /Wide\.h:1: f has 7 parameters/],
  ['seven parameters in TypeScript', { 'lib/wide.ts': 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1, g: 1, h: 1) => a;\n' }, /wide\.ts:1: \(anonymous\) has 7 parameters/],
]);

test('check-sizes lets a describe be long, and what is generated', async () => {
  const { findings } = await checkSizes(
    tree({ 'test/lib/long.test.ts': `describe('it', () => {\n${lines(150, '  f();')}});\n`, 'cpp/io/Table.h': `// Generated by a script\n${lines(900, '// x')}` }),
  );
  assert.deepEqual(findings, []);
});

test('the brace parser tells functions from initialisers, types and lambdas', () => {
  const source = `
template <class T> requires Fine<T> Result<T> make(T value) { return value; }
struct A { int x{1}; std::vector<int> list = {1, 2}; bool operator==(const A&) const = default; A& operator=(A&& o) noexcept { return *this; } };
constexpr std::array<int, 2> table{{1, 2}};
const auto lambda = [](int a) { return a; };
int B::operator()(int a, std::function<void(int, int)> f) const { if (a) { return 1; } return f ? 0 : 2; }
auto f(std::string_view s = "}{") -> std::optional<int> { char c = '{'; const auto big = 1'000'000; return big + c; }
`;
  const names = functionsOf(source).map(({ name, parameters }) => `${name}/${parameters}`);
  assert.deepEqual(names, ['make/1', 'operator=/1', 'operator()/2', 'f/1']);
});

plants('check-top-level', checkTopLevel, [
  ['a file too many', { 'notes.txt': 'x\n' }, /notes\.txt: does not belong/],
  ['a folder too many', { 'docs/a.md': 'x\n' }, /docs: does not belong/],
  ['a file too few', { NOTICE: undefined }, /NOTICE: is missing/],
]);

// Put together here, so that the check does not find them in this file.
const sin = (...parts) => parts.join('');
plants('check-words', checkWords, [
  ['a path of a machine', { 'README.md': sin('See /ro', 'ot/thing.txt\n') }, /README\.md:1: a path of a machine/],
  ['a home folder', { 'lib/a.ts': sin("const a = '/ho", "me/anna/x';\n") }, /lib\/a\.ts:1: a path of a machine/],
  ['a registry', { 'package-lock.json': sin('{"resolved": "https://regis', 'try.example.org/x.tgz"}\n') }, /package-lock\.json:1: a package registry's host/],
  ['a note to oneself', { 'cpp/io/Note.h': sin('// TO', 'DO: later\n') }, /Note\.h:1: a note without an issue number/],
  ['a C++ test switched off', { 'test/cpp/A.cpp': sin('TEST(A, DISABLED', '_B) {}\n') }, /A\.cpp:1: a test that is switched off/],
  ['a jest test switched off', { 'test/lib/a.test.ts': sin("it.sk", "ip('x', () => {});\n") }, /a\.test\.ts:1: a test that is switched off/],
]);

test('check-words accepts a note with an issue number, and takes hosts to look for', () => {
  assert.deepEqual(checkWords(tree({ 'cpp/io/Note.h': sin('// TO', 'DO(#12): later\n') })).findings, []);
  assert.match(checkWords(tree({ 'README.md': 'from pkg.internal.test\n' }), { hosts: 'pkg.internal.test' }).findings[0], /README\.md:1/);
});

plants('check-format', checkFormat, [['a crooked file', { 'cpp/io/Crooked.h': 'int   f( ){return 1;}\n' }, /cpp\/io\/Crooked\.h: not laid out/]]);

plants('check-typescript', checkTypeScript, [
  ['a type error in the library', { 'lib/bad.ts': "export const a: number = 'x';\n" }, /lib\/bad\.ts\(1,14\): error TS2322/],
  ['an unchecked index', { 'lib/bad.ts': 'export const f = (list: string[]): string => list[0];\n' }, /lib\/bad\.ts.*error TS2322/],
  ['a type error in a test', { 'test/lib/bad.test.ts': "import { first } from '../../lib/index';\n\nfirst(1);\n" }, /test\/lib\/bad\.test\.ts\(3,7\): error TS2345/],
]);

plants('check-lint', checkLint, [
  ['a floating promise', { 'lib/bad.ts': 'async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}\n' }, /lib\/bad\.ts:3: .*no-floating-promises/],
  ['an unused name in a script', { 'scripts/bad.mjs': 'const unused = 1;\n' }, /scripts\/bad\.mjs:1: .*no-unused-vars/],
]);

describe('check-sans-io', () => {
  async function archive(code) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'sans-io-test-'));
    folders.push(folder);
    writeFileSync(path.join(folder, 'a.cpp'), code);
    await mustRun('g++', ['-std=c++20', '-O1', '-c', 'a.cpp', '-o', 'a.o'], { cwd: folder });
    await mustRun('ar', ['rcs', 'liba.a', 'a.o'], { cwd: folder });
    return path.join(folder, 'liba.a');
  }
  test('is green on arithmetic and containers', async () => {
    const file = await archive('#include <vector>\nint f(std::vector<int>& v) { v.push_back(1); return v.back(); }\n');
    assert.deepEqual((await checkSansIo(root, { archive: file })).findings, []);
  });
  const sins = [
    ['a clock', '#include <chrono>\nlong f() { return std::chrono::steady_clock::now().time_since_epoch().count(); }\n', /steady_clock::now\(\)/],
    ['a socket', '#include <sys/socket.h>\nint f() { return socket(1, 2, 0); }\n', /needs socket/],
    ['entropy', '#include <random>\nunsigned f() { std::random_device d; return d(); }\n', /random_device/],
    ['a thread', '#include <pthread.h>\nint f(pthread_t* t, void* (*g)(void*)) { return pthread_create(t, nullptr, g, nullptr); }\n', /pthread_create/],
    ['a file', '#include <fcntl.h>\nint f() { return open("x", O_RDONLY); }\n', /needs open/],
    ['output', '#include <iostream>\nvoid f() { std::cout << 1; }\n', /std::cout/],
  ];
  for (const [title, code, expected] of sins) {
    test(`is red: ${title}`, async () => {
      assert.match((await checkSansIo(root, { archive: await archive(code) })).findings.join('\n'), expected);
    });
  }
  test('is red when there is no archive', async () => {
    assert.match((await checkSansIo(root, { archive: 'build/none.a' })).findings[0], /is not there/);
  });
});

describe('check-headers', () => {
  // The real target of CMakeLists.txt over a tree of two headers.
  async function headers(text) {
    const folder = tree({ 'cpp/quic/common/Second.h': text });
    cpSync(path.join(root, 'CMakeLists.txt'), path.join(folder, 'CMakeLists.txt'));
    cpSync(path.join(root, 'scripts/build-openssl.sh'), path.join(folder, 'scripts/build-openssl.sh'));
    cpSync(path.join(root, 'scripts/lib/debian.sh'), path.join(folder, 'scripts/lib/debian.sh'));
    cpSync(path.join(root, 'scripts/gen-test-certs.mjs'), path.join(folder, 'scripts/gen-test-certs.mjs'));
    await mustRun('cmake', ['-S', folder, '-B', path.join(folder, 'build'), '-G', 'Ninja'], { cwd: folder });
    return checkHeaders(folder);
  }
  test('is green when each header stands alone', async () => {
    assert.deepEqual((await headers('#pragma once\n\n#include "quic/common/Number.h"\n\ninline quic::Number zero() { return 0; }\n')).findings, []);
  });
  test('is red: a header that needs another one first', async () => {
    assert.match((await headers('#pragma once\n\ninline quic::Number zero() { return 0; }\n')).findings.join('\n'), /Second\.h:3:\d+: error/);
  });
  test('is red: a header that does not bear being included twice', async () => {
    assert.match((await headers('inline int zero() { return 0; }\n')).findings.join('\n'), /redefinition of/);
  });
});
