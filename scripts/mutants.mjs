// npm run mutants: single mistakes are planted in the tables of server migration, one at a time, and each must make a test fail.
//
//   node scripts/mutants.mjs                    all of test/cpp/servermigration/mutants.txt
//   node scripts/mutants.mjs --only pool        those whose name has the word
//   node scripts/mutants.mjs --tree build/dev   another build tree than build, with quic_tests built in it
//
// Only the mutated file is compiled, with the flags of the tree but without its warnings, and linked to the objects of these tests: seconds for each.
// The sources stay as they are. A mutant that fits nowhere, does not compile or survives makes the run red.
//
//   file PATH             what follows is about this file
//   a name                what goes wrong
//   @ TEXT                optional: look from the first place on that has this
//   - TEXT                what stands there, once (or, after @, first), exactly; the space after the sign is not part of it
//   + TEXT                what is there instead; empty: nothing
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { read } from './lib/files.mjs';
import { capture, isMain, main, root, run, seconds } from './lib/run.mjs';

const list = 'test/cpp/servermigration/mutants.txt';
/** The tests that may catch one, by their objects in the tree. */
const testObjects = /quic_tests\.dir\/test\/cpp\/(?:servermigration\/\w+|server\/ServerMigrationCoordinatorTest)\.cpp\.o$/;
const anyTestObject = /quic_tests\.dir\/test\/\S+\.cpp\.o$/;
/** First what takes no time; the walks see what is left. */
const filters = ['-*Walk*', '*Walk*'];
const timeoutMs = 120_000;

/** `[{ file, name, anchor, before, after }]`. Throws on a line that it does not understand. */
export function parseMutants(text) {
  const mutants = [];
  let file;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, sign, rest] = /^([@+-])(?: (.*))?$/.exec(line) ?? [];
    const mutant = mutants.at(-1);
    if (line.startsWith('file ')) file = line.slice(5);
    else if (!sign && file) mutants.push({ file, name: line });
    else if (sign === '@' && mutant) mutant.anchor = rest;
    else if (sign === '-' && mutant) mutant.before = rest;
    else if (sign === '+' && mutant) mutant.after = rest ?? '';
    else throw new Error(`line ${index + 1} is no part of a mutant: ${line}`);
  }
  for (const { name, before, after } of mutants) if (!before || after === undefined) throw new Error(`${name}: needs - and +`);
  return mutants;
}

/** The mutated text. Throws when there is no such place, or more than one. */
export function mutate(source, { anchor = '', before, after }) {
  const from = source.indexOf(anchor);
  const at = from < 0 ? -1 : source.indexOf(before, from);
  if (at < 0) throw new Error('there is no such place');
  if (anchor === '' && source.includes(before, at + 1)) throw new Error('there is more than one such place: say where with @');
  return source.slice(0, at) + after + source.slice(at + before.length);
}

/** How the tree compiles a file, and how it links the tests: arguments, without those that name input and output. */
function commandsOf(tree) {
  const compile = new Map();
  for (const { file, command } of JSON.parse(readFileSync(path.join(tree, 'compile_commands.json'), 'utf8'))) {
    compile.set(path.relative(root, file), command.split(/\s+/).filter((word) => word !== '').map((word) => word.replaceAll('\\"', '"')));
  }
  const all = capture('ninja', ['-C', tree, '-t', 'commands', 'quic_tests']) ?? '';
  const last = all.trimEnd().split('\n').at(-1) ?? '';
  const link = /(?:^|&& )(\S*(?:c\+\+|g\+\+|clang\+\+)\S* .*? -o quic_tests .*?)(?: && |$)/.exec(last)?.[1];
  if (!link) throw new Error(`${tree} does not say how quic_tests is linked: is it a Ninja tree with tests?`);
  return { compile, link: link.split(/\s+/) };
}

async function build({ compile, link }, tree, folder, mutated) {
  const object = path.join(folder, 'mutant.o');
  const program = path.join(folder, 'mutant');
  const inputs = link.filter((word) => !anyTestObject.test(word) || testObjects.test(word));
  if (mutated) {
    const copy = path.join(folder, path.basename(mutated.file));
    writeFileSync(copy, mutated.text);
    const words = compile.get(mutated.file);
    const source = words.findLast((word) => word.endsWith(mutated.file));
    const command = words.map((word, index) => (words[index - 1] === '-o' ? object : word === source ? copy : word));
    const compiled = await run(command[0], [...command.slice(1), '-w'], { cwd: tree, timeoutMs });
    if (!compiled.ok) return { error: compiled.output };
    inputs.splice(inputs.findIndex((word) => testObjects.test(word)), 0, object);
  }
  const command = inputs.map((word, index) => (inputs[index - 1] === '-o' ? program : word));
  const linked = await run(command[0], command.slice(1), { cwd: tree, timeoutMs });
  return linked.ok ? { program } : { error: linked.output };
}

/** The first test that fails; undefined when all pass. */
async function findKiller(program) {
  for (const filter of filters) {
    const result = await run(program, [`--gtest_filter=${filter}`, '--gtest_fail_fast', '--gtest_color=no', '--gtest_brief=1'], { timeoutMs });
    if (!result.ok) return /^\[ {2}FAILED {2}\] (\w+\.\w+)/m.exec(result.output)?.[1] ?? 'a crash';
  }
  return undefined;
}

async function judge(mutant, commands, tree) {
  const folder = mkdtempSync(path.join(tree, 'mutant-'));
  try {
    const built = await build(commands, tree, folder, { file: mutant.file, text: mutate(read(root, mutant.file), mutant) });
    if (built.error) return { fault: `does not compile\n${built.error}` };
    const killer = await findKiller(built.program);
    return killer ? { killer } : { fault: 'survived' };
  } catch (error) {
    return { fault: error.message };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function expectGreenWithoutMutant(commands, tree) {
  const folder = mkdtempSync(path.join(tree, 'mutant-'));
  try {
    const built = await build(commands, tree, folder);
    if (built.error) throw new Error(built.error);
    const failing = await findKiller(built.program);
    if (failing) throw new Error(`${failing} fails without any mutant`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runAll({ tree, only = '', jobs }) {
  if (!existsSync(path.join(tree, 'quic_tests'))) throw new Error(`${tree} has no quic_tests: npm run build, or ninja -C ${tree} quic_tests`);
  mkdirSync(tree, { recursive: true });
  const mutants = parseMutants(read(root, list)).filter(({ name }) => name.includes(only));
  const commands = commandsOf(tree);
  await expectGreenWithoutMutant(commands, tree);
  const waiting = [...mutants];
  const faults = [];
  const work = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const { killer, fault } = await judge(mutant, commands, tree);
      if (fault) faults.push(`${mutant.file}: ${mutant.name}: ${fault}`);
      console.log(`${fault ? '✘' : '✔'} ${mutant.name}: ${fault ? fault.split('\n')[0] : killer}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return { count: mutants.length, faults };
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({ options: { tree: { type: 'string' }, only: { type: 'string' }, jobs: { type: 'string' } } });
    const began = Date.now();
    const jobs = Number(values.jobs ?? os.availableParallelism());
    const { count, faults } = await runAll({ tree: path.resolve(values.tree ?? path.join(root, 'build')), only: values.only, jobs });
    for (const fault of faults) console.log(`\n${fault}`);
    console.log(`${count} mutants: ${count - faults.length} killed, ${faults.length} not (${seconds(began)})`);
    process.exitCode = faults.length === 0 && count > 0 ? 0 : 1;
  });
}
