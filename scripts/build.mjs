// Builds what is asked for and not up to date yet:
//
//   node scripts/build.mjs                    all of it: C++ tests, addon, dist/
//   node scripts/build.mjs --cpp              core, io and their tests in build/
//   node scripts/build.mjs --addon            build/Release/node_mvfst.node (its tree is build/addon/)
//   node scripts/build.mjs --ts               dist/esm and dist/cjs from lib/
//   node scripts/build.mjs --target=quic_tests    one CMake target of build/
//   node scripts/build.mjs --cpp --sanitize=address|thread    in build/address/ or build/thread/
//
// Needs what scripts/setup.mjs installs. Uses no npm package of its own but the TypeScript compiler and header-only ones.
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StepFailed, capture, isMain, main, mustRun, root, step } from './lib/run.mjs';

const require = createRequire(import.meta.url);

/** The CMake tree of the tests: build/, or one below it when sanitized. */
export function testTree(sanitize) {
  return path.join(root, 'build', sanitize ?? '');
}

async function configure(tree, definitions) {
  // ninja runs CMake again by itself when CMakeLists.txt or the lists of files changed; definitions are our part.
  const stamp = path.join(tree, 'definitions.txt');
  const wanted = definitions.join('\n');
  if (existsSync(path.join(tree, 'build.ninja')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'up to date';
  await mustRun('cmake', ['-S', root, '-B', tree, '-G', 'Ninja', ...definitions]);
  writeFileSync(stamp, wanted);
  return undefined;
}

/** ninja with its progress on a terminal, silent otherwise; everything it said when it fails. */
async function ninja(tree, targets) {
  const isTerminal = process.stdout.isTTY;
  const onOutput = (text) => {
    const last = text.trim().split('\n').at(-1);
    if (isTerminal && last?.startsWith('[')) process.stdout.write(`\r\x1b[K  ${last.slice(0, 100)}`);
  };
  const output = await mustRun('ninja', ['-C', tree, ...targets], { onOutput });
  return /no work to do/.test(output) ? 'up to date' : undefined;
}

export async function buildCpp({ sanitize, targets = [], openssl } = {}) {
  const tree = testTree(sanitize);
  const definitions = [`-DNODE_MVFST_SANITIZE=${sanitize ?? ''}`, '-DNODE_MVFST_PCH=ON'];
  if (openssl) definitions.push(`-DOPENSSL_ROOT_DIR=${openssl}`);
  const suffix = sanitize ? ` with the ${sanitize} sanitizer` : '';
  await step(`configure the C++ tests${suffix}`, () => configure(tree, definitions));
  await step(`build ${targets.length > 0 ? targets.join(' ') : 'the core and its tests'}${suffix}`, () => ninja(tree, targets));
}

/** Node-API's headers come from npm packages, so that no other headers of Node are needed. */
function nodeApiHeaders() {
  return [require('node-api-headers').include_dir, path.dirname(require.resolve('node-addon-api/package.json'))].join(';');
}

export async function buildAddon({ openssl } = {}) {
  const tree = path.join(root, 'build/addon');
  const definitions = [`-DCMAKE_JS_INC=${nodeApiHeaders()}`, '-DCMAKE_BUILD_TYPE=Release'];
  if (openssl) definitions.push(`-DOPENSSL_ROOT_DIR=${openssl}`);
  await step('configure the addon', () => configure(tree, definitions));
  await step('build the addon', async () => {
    if (!readdirSync(path.join(root, 'binding')).some((name) => name.endsWith('.cc'))) return 'binding/ has no sources yet';
    return ninja(tree, ['node_mvfst']);
  });
}

// ---- TypeScript --------------------------------------------------------------------------------------------------------

function newestIn(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    newest = Math.max(newest, statSync(path.join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

/** A folder whose package.json says the format and whose link `src` is lib/: tsc then emits and declares in that format. */
function stage(format, type) {
  const folder = path.join(root, 'build/stage', format);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ type })}\n`);
  const link = path.join(folder, 'src');
  if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync('../../../lib', link, 'dir');
  const config = {
    extends: './src/tsconfig.build.json',
    compilerOptions: { rootDir: 'src', outDir: `../../../dist/${format}` },
    include: ['src/**/*.ts', 'src/**/*.cts'],
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), `${JSON.stringify(config, null, 2)}\n`);
  return folder;
}

async function emit(format, type) {
  const out = path.join(root, 'dist', format);
  const folder = stage(format, type);
  rmSync(out, { recursive: true, force: true });
  await mustRun(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', folder]);
  writeFileSync(path.join(out, 'package.json'), `${JSON.stringify({ type })}\n`);
}

export async function buildTypeScript() {
  await step('compile TypeScript to dist/', async () => {
    const lib = path.join(root, 'lib');
    if (!existsSync(path.join(lib, 'index.ts'))) return 'lib/index.ts is not there yet';
    const stamp = path.join(root, 'build/dist.stamp');
    const newest = Math.max(newestIn(lib), statSync(path.join(root, 'scripts/build.mjs')).mtimeMs);
    const isFresh = existsSync(stamp) && statSync(stamp).mtimeMs > newest && existsSync(path.join(root, 'dist/cjs/package.json'));
    if (isFresh && existsSync(path.join(root, 'dist/esm/package.json'))) return 'up to date';
    mkdirSync(path.dirname(stamp), { recursive: true });
    await Promise.all([emit('esm', 'module'), emit('cjs', 'commonjs')]);
    writeFileSync(stamp, '');
    return undefined;
  });
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        cpp: { type: 'boolean' }, addon: { type: 'boolean' }, ts: { type: 'boolean' },
        sanitize: { type: 'string' }, target: { type: 'string', multiple: true },
      },
    });
    if (values.sanitize && !['address', 'thread'].includes(values.sanitize)) throw new StepFailed('--sanitize is address or thread');
    const openssl = capture(path.join(root, 'scripts/build-openssl.sh'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (openssl === undefined) throw new StepFailed('OpenSSL could not be had, see above');
    const all = !values.cpp && !values.addon && !values.ts && !values.target;
    if (all || values.cpp || values.target) await buildCpp({ sanitize: values.sanitize, targets: values.target, openssl });
    if (all || values.addon) await buildAddon({ openssl });
    if (all || values.ts) await buildTypeScript();
  });
}
