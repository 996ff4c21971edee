// What a user gets: packs the package, installs the tarball in an empty folder where no compiler can be found, and runs
// test/package/echo.mjs (ES module) and echo.cjs (CommonJS) there under Node 20, 22 and 24. The programs must exit with 0.
// The Node binaries come from npm and are kept in ${XDG_CACHE_HOME:-~/.cache}/node-mvfst/node/.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTestCerts } from './gen-test-certs.mjs';
import { capture, isMain, main, mustRun, root, run } from './lib/run.mjs';
import { prebuild } from './prebuild-linux.mjs';

const majors = [20, 22, 24];
const programs = ['echo.mjs', 'echo.cjs'];
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'node-mvfst/node');

/** A Node binary of this major version: the one that runs us, the cached one, or fetched now. */
async function nodeBinary(major) {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath;
  const folder = path.join(cache, String(major));
  const binary = path.join(folder, 'node_modules/node-binary/bin/node');
  if (!existsSync(binary)) {
    console.log(`    fetching Node ${major}`);
    mkdirSync(folder, { recursive: true });
    const fetched = `node-binary@npm:node-linux-${process.arch}@${major}`;
    await mustRun('npm', ['install', '--no-save', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', folder, fetched], { cwd: folder });
  }
  return binary;
}

/** npm's own program file, so that it runs without a PATH. */
function npmProgram() {
  const candidates = [
    process.env.npm_execpath,
    path.join(path.dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js'),
    capture('sh', ['-c', 'readlink -f "$(command -v npm)"']),
  ];
  return candidates.find((file) => file !== undefined && file.endsWith('.js') && existsSync(file));
}

async function pack(folder) {
  await prebuild();
  const output = await mustRun('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  const json = output.slice(output.search(/^[[{]/m));
  let files;
  try {
    const parsed = JSON.parse(json.slice(0, json.lastIndexOf(json.startsWith('[') ? ']' : '}') + 1));
    files = Object.values(parsed)[0].files.map((file) => file.path);
  } catch {
    files = (await mustRun('tar', ['-tzf', path.join(folder, tarball)])).split('\n').filter((name) => name !== '').map((name) => name.replace(/^package\//, ''));
  }
  return { tarball: path.join(folder, tarball), files };
}

/** Installs and runs under one Node; yields one outcome per program. */
async function tryWith(major, tarball, folder) {
  const node = await nodeBinary(major);
  const home = path.join(folder, `with-node-${major}`);
  const bin = path.join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(node, path.join(bin, 'node'));
  writeFileSync(path.join(home, 'package.json'), '{"name":"a-user","version":"1.0.0","private":true}\n');
  // Nothing but node on the PATH: a package that wants to compile fails here.
  const certs = await ensureTestCerts();
  const env = { ...process.env, PATH: bin, TEST_CERT: path.join(certs, 'server.pem'), TEST_KEY: path.join(certs, 'server.key'), TEST_CA: path.join(certs, 'ca.pem') };
  const version = capture(path.join(bin, 'node'), ['--version']);
  const installed = await run(path.join(bin, 'node'), [npmProgram(), 'install', '--no-audit', '--no-fund', tarball], { cwd: home, env });
  const outcomes = [{ name: `install with ${version}`, ok: installed.ok, output: installed.output }];
  for (const program of programs) {
    const source = path.join(root, 'test/package', program);
    const name = `${program} with ${version}`;
    if (!existsSync(source)) {
      outcomes.push({ name, ok: false, output: `test/package/${program} is missing` });
      continue;
    }
    copyFileSync(source, path.join(home, program));
    const result = await run(path.join(bin, 'node'), [program], { cwd: home, env, timeoutMs: 60_000 });
    outcomes.push({ name, ok: result.ok, output: result.timedOut ? `${result.output}\ndid not end within 60 s` : result.output });
  }
  return outcomes;
}

function checkContents(files) {
  const wanted = ['dist/esm/index.js', 'dist/esm/index.d.ts', 'dist/esm/package.json', 'dist/cjs/index.js', 'dist/cjs/index.d.ts',
    'dist/cjs/package.json', `prebuilds/linux-${process.arch}/node-mvfst.glibc.node`, 'package.json', 'README.md', 'LICENSE', 'NOTICE'];
  const missing = wanted.filter((name) => !files.includes(name));
  const alien = files.filter((name) => /^(?:cpp|binding|test|scripts|build|lib)\//.test(name));
  const output = [...missing.map((name) => `lacks ${name}`), ...alien.map((name) => `should not have ${name}`)].join('\n');
  return { name: 'contents of the package', ok: output === '', output };
}

/** Resolves with { name, passed, failed, output }, as every suite does. */
export async function testPackage() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'node-mvfst-package-'));
  const outcomes = [];
  try {
    const { tarball, files } = await pack(folder);
    outcomes.push(checkContents(files));
    for (const major of majors) {
      try {
        outcomes.push(...(await tryWith(major, tarball, folder)));
      } catch (error) {
        outcomes.push({ name: `Node ${major}`, ok: false, output: error.message });
      }
    }
  } catch (error) {
    outcomes.push({ name: 'npm pack', ok: false, output: error.message });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const red = outcomes.filter(({ ok }) => !ok);
  return {
    name: 'package',
    passed: outcomes.length - red.length,
    failed: red.length,
    output: red.map(({ name, output }) => `package: ${name} failed\n${output}`).join('\n'),
  };
}

if (isMain(import.meta)) {
  await main(async () => {
    const { passed, failed, output } = await testPackage();
    if (output !== '') console.log(output);
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  });
}
