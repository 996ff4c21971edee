// From a fresh clone to something that runs: Debian packages, npm packages, OpenSSL, the builds. Each step looks first and does
// nothing when there is nothing to do, so that a second run takes a few seconds. Node built-ins only.
//
//   node scripts/setup.mjs                   everything
//   node scripts/setup.mjs --for=demo        without the C++ tests
//   node scripts/setup.mjs --for=pack        the same, for a package
//   node scripts/setup.mjs --for=cpp         only the C++ tests
//   node scripts/setup.mjs --for=check       npm packages and the core's archive, for npm run check
//   node scripts/setup.mjs --sanitize=address|thread     the C++ tests with a sanitizer
//   node scripts/setup.mjs --no-build        install only
//   NODE_MVFST_SKIP_APT=1                    trust that the machine has what is needed
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StepFailed, capture, installPackages, main, mustRun, root, runShown, seconds, step } from './lib/run.mjs';

const buildPackages = ['g++', 'make', 'cmake', 'ninja-build', 'pkg-config', 'perl', 'binutils', 'util-linux', 'git', 'libuv1-dev', 'openssl'];
const opensslPackages = ['dpkg-dev', 'ca-certificates'];
const testPackages = ['libgtest-dev', 'libgmock-dev', 'clang-format-19', 'ccache'];

function packagesFor(purpose) {
  const wanted = [...buildPackages, ...opensslPackages];
  return purpose === 'demo' || purpose === 'pack' ? wanted : [...wanted, ...testPackages];
}

async function installNpmPackages() {
  const lock = path.join(root, 'package-lock.json');
  const stamp = path.join(root, 'node_modules/.node-mvfst-stamp');
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return 'up to date';
  // Nothing that we use needs an install script.
  await mustRun('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  return undefined;
}

async function findOpenssl() {
  const script = path.join(root, 'scripts/build-openssl.sh');
  const isQuick = process.env.OPENSSL_ROOT !== undefined;
  if (!isQuick) process.stdout.write(process.stdout.isTTY ? '\n' : '');
  // Its progress goes to stderr, straight to the terminal; the prefix is its only line on stdout.
  const file = path.join(root, 'build/openssl-prefix');
  mkdirSync(path.dirname(file), { recursive: true });
  if (!(await runShown('bash', ['-c', '"$0" >"$1"', script, file]))) throw new StepFailed('OpenSSL could not be had, see above');
  return capture('cat', [file]);
}

await main(async () => {
  const { values } = parseArgs({
    options: { for: { type: 'string', default: 'test' }, sanitize: { type: 'string' }, 'no-build': { type: 'boolean' } },
  });
  const purpose = values.for;
  if (!['test', 'demo', 'pack', 'cpp', 'check'].includes(purpose)) throw new StepFailed('--for is test, demo, pack, cpp or check');
  if (Number(process.versions.node.split('.')[0]) < 20) throw new StepFailed(`Node 20 or newer is needed, this is ${process.version}`);
  const began = Date.now();
  let openssl;
  await step('Debian packages', () => installPackages(packagesFor(purpose)));
  if (purpose !== 'cpp') await step('npm packages', installNpmPackages);
  await step('OpenSSL 3.5', async () => {
    openssl = await findOpenssl();
    return openssl;
  });
  if (!values['no-build']) {
    const { buildAddon, buildCpp, buildTypeScript } = await import('./build.mjs');
    if (purpose === 'test' || purpose === 'cpp') await buildCpp({ sanitize: values.sanitize, openssl });
    if (purpose === 'check') await buildCpp({ targets: ['quic_core'], openssl });
    else if (purpose !== 'cpp' && !values.sanitize) {
      await buildAddon({ openssl });
      await buildTypeScript();
    }
  }
  console.log(`setup: ready (${seconds(began)})\n`);
});
