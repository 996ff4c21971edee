// Puts the addon where node-gyp-build finds it in an installed package: prebuilds/linux-<arch>/node-mvfst.glibc.node, stripped.
// It insists on what makes the binary safe to ship: two exported symbols, no library but libc, libm, the loader and Node.
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { StepFailed, capture, isMain, main, mustRun, root, step } from './lib/run.mjs';

const built = path.join(root, 'build/Release/node_mvfst.node');
const license = '/usr/share/common-licenses/Apache-2.0';

/** What is wrong with the binary, as sentences. */
export function inspectAddon(file) {
  const lines = (text) => (text ?? '').split('\n').filter((line) => line !== '');
  const problems = [];
  const exported = lines(capture('nm', ['-D', '--defined-only', '--format=posix', file])).map((line) => line.split(/[ @]/)[0]);
  const wanted = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
  for (const name of exported) if (!wanted.includes(name)) problems.push(`exports ${name}`);
  if (!exported.includes(wanted[0])) problems.push(`does not export ${wanted[0]}`);
  const needed = lines(capture('readelf', ['-d', '-W', file])).flatMap((line) => /\(NEEDED\).*\[(.*)\]/.exec(line)?.[1] ?? []);
  for (const name of needed) if (!/^(?:libc|libm|libdl|libpthread|ld-linux-[\w-]+)\.so/.test(name)) problems.push(`needs ${name}`);
  const undefinedNames = lines(capture('nm', ['-D', '--undefined-only', '--format=posix', file]))
    .map((line) => line.split(' '))
    .filter(([, kind]) => kind === 'U')
    .map(([name]) => name);
  for (const name of undefinedNames) {
    const isKnown = name.includes('@GLIBC') || /^(?:napi_|node_api_|uv_)/.test(name) || /^(?:__gmon_start__|__tls_get_addr)/.test(name);
    if (!isKnown) problems.push(`leaves ${name} undefined`);
  }
  return problems;
}

export async function prebuild() {
  if (!existsSync(built)) throw new StepFailed(`${built} is not there: npm run build`);
  const problems = inspectAddon(built);
  if (problems.length > 0) throw new StepFailed(`the addon must not be shipped: it\n  ${problems.join('\n  ')}`);
  const folder = path.join(root, 'prebuilds', `linux-${process.arch}`);
  rmSync(path.join(root, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'node-mvfst.glibc.node');
  await mustRun('strip', ['--strip-unneeded', '-o', file, built]);
  chmodSync(file, 0o755);
  // OpenSSL's licence goes with the binary that contains it.
  if (existsSync(license)) copyFileSync(license, path.join(root, 'prebuilds/LICENSE-OpenSSL'));
  return path.relative(root, file);
}

if (isMain(import.meta)) await main(() => step('prebuilt binary', prebuild));
