// npm run fuzz: libFuzzer with ASan and UBSan (clang) on every target of test/fuzz, one after the other.
//
//   node scripts/fuzz.mjs                            ten minutes each
//   node scripts/fuzz.mjs --seconds 60 --target frames
//   node scripts/fuzz.mjs --keep                     adds what covers more to test/fuzz/corpus/*.hex, the smallest first
//
// A crash ends the run: its input is printed as hex, to be added to the corpus with the fix.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StepFailed, capture, installPackages, isMain, main, mustRun, root, run, step } from './lib/run.mjs';

const targets = ['packet-headers', 'frames', 'transport-parameters', 'connection'];
const packages = ['clang-19', 'libclang-rt-19-dev'];
const tree = path.join(root, 'build/fuzz');
const maxKept = { inputs: 300, bytes: 2048 };

const corpusFile = (target) => path.join(root, 'test/fuzz/corpus', `${target}.hex`);

function corpusLines(target) {
  return readFileSync(corpusFile(target), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

async function build() {
  const openssl = capture(path.join(root, 'scripts/build-openssl.sh'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (openssl === undefined) throw new StepFailed('OpenSSL could not be had, see above');
  await step('configure the fuzz targets', () =>
    mustRun('cmake', ['-S', root, '-B', tree, '-G', 'Ninja', '-DNODE_MVFST_FUZZ=ON', '-DCMAKE_C_COMPILER=clang-19',
      '-DCMAKE_CXX_COMPILER=clang++-19', `-DOPENSSL_ROOT_DIR=${openssl}`]));
  await step('build the fuzz targets', () => mustRun('ninja', ['-C', tree, ...targets.map((target) => `fuzz-${target}`)]));
}

/** A folder with one file for each kept input. */
function unpack(target) {
  const folder = path.join(tree, 'corpus', target);
  mkdirSync(folder, { recursive: true });
  for (const [index, line] of corpusLines(target).entries()) writeFileSync(path.join(folder, `kept-${index}`), Buffer.from(line, 'hex'));
  return folder;
}

async function fuzz(target, seconds) {
  const corpus = unpack(target);
  const crashes = path.join(tree, 'crashes', `${target}-`);
  mkdirSync(path.dirname(crashes), { recursive: true });
  const result = await run(path.join(tree, `fuzz-${target}`), [
    `-max_total_time=${seconds}`, '-max_len=4096', '-timeout=10', '-rss_limit_mb=2048', '-print_final_stats=1', `-artifact_prefix=${crashes}`, corpus,
  ]);
  const runs = /stat::number_of_executed_units:\s*(\d+)/.exec(result.output)?.[1];
  const covered = [...result.output.matchAll(/cov: (\d+)/g)].at(-1)?.[1];
  if (result.ok) {
    console.log(`${target}: clean, ${runs} inputs in ${seconds} s, ${covered} edges`);
    return true;
  }
  console.log(result.output.split('\n').slice(-60).join('\n'));
  for (const name of readdirSync(path.dirname(crashes)).filter((file) => file.startsWith(`${target}-`))) {
    console.log(`${name}: ${readFileSync(path.join(path.dirname(crashes), name)).toString('hex')}`);
  }
  console.log(`${target}: FAILED`);
  return false;
}

/** The smallest inputs that together cover what the whole corpus covers. */
async function keep(target) {
  const merged = path.join(tree, 'merged', target);
  rmSync(merged, { recursive: true, force: true });
  mkdirSync(merged, { recursive: true });
  await mustRun(path.join(tree, `fuzz-${target}`), ['-merge=1', merged, path.join(tree, 'corpus', target)]);
  const inputs = readdirSync(merged).map((name) => readFileSync(path.join(merged, name))).filter((input) => input.length <= maxKept.bytes);
  const lines = inputs.sort((a, b) => a.length - b.length || a.compare(b)).slice(0, maxKept.inputs).map((input) => input.toString('hex'));
  const head = readFileSync(corpusFile(target), 'utf8').split('\n').filter((line) => line.startsWith('#'));
  const all = [...new Set([...corpusLines(target), ...lines])].filter((line) => line !== '');
  writeFileSync(corpusFile(target), `${[...head, ...all].join('\n')}\n`);
  console.log(`${target}: ${all.length} inputs kept`);
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({
      options: { seconds: { type: 'string', default: '600' }, target: { type: 'string', multiple: true }, keep: { type: 'boolean' } },
    });
    const chosen = values.target ?? targets;
    const unknown = chosen.filter((name) => !targets.includes(name));
    if (unknown.length > 0) throw new StepFailed(`--target takes ${targets.join(', ')}, not ${unknown.join(', ')}`);
    await step('clang with libFuzzer', () => installPackages(packages));
    await build();
    let isClean = true;
    for (const target of chosen) {
      isClean = (await fuzz(target, values.seconds)) && isClean;
      if (isClean && values.keep) await keep(target);
    }
    process.exitCode = isClean ? 0 : 1;
  });
}
