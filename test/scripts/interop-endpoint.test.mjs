// The interop endpoint as a stranger would use it: by its environment and its exit code. Wants the addon and dist/ built.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ensureTestCerts } from '../../scripts/gen-test-certs.mjs';
import { root } from '../../scripts/lib/run.mjs';

const program = path.join(root, 'scripts/interop-endpoint');
const folder = mkdtempSync(path.join(os.tmpdir(), 'interop-endpoint-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const place = (name) => path.join(folder, name);
for (const name of ['www', 'certs']) mkdirSync(place(name));
const made = await ensureTestCerts();
for (const [from, to] of [['server.pem', 'cert.pem'], ['server.key', 'priv.key'], ['ca.pem', 'ca.pem']]) copyFileSync(path.join(made, from), path.join(place('certs'), to));
writeFileSync(place('secret'), 'not for everybody');

function start(env) {
  const child = spawn(program, { env: { ...process.env, CERTS: place('certs'), LOGS: folder, ...env } });
  let output = '';
  const listeners = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      listeners.forEach((listener) => listener());
    });
  }
  const ended = new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
  const until = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.exec(output) && resolve(pattern.exec(output));
      listeners.push(look);
      ended.then(() => reject(new Error(`ended before ${pattern}: ${output}`)));
      look();
    });
  return { child, ended, until };
}

async function serving(env, work) {
  const server = start({ ROLE: 'server', TESTCASE: 'transfer', WWW: place('www'), ADDRESS: '127.0.0.1', PORT: '0', ...env });
  try {
    const [, port] = await server.until(/"port":(\d+)/);
    return await work(port);
  } finally {
    server.child.kill('SIGTERM');
    assert.equal((await server.ended).code, 0);
  }
}

const download = (port, names, env = {}) => {
  const downloads = mkdtempSync(path.join(folder, 'downloads-'));
  const requests = names.map((name) => `https://127.0.0.1:${port}/${name}`).join(' ');
  const client = start({ ROLE: 'client', TESTCASE: 'transfer', DOWNLOADS: downloads, REQUESTS: requests, ...env });
  return client.ended.then(({ code, output }) => ({ code, output, downloads }));
};

for (const alpn of ['hq-interop', 'h3']) {
  test(`files come whole over ${alpn}, and the key log is written`, async () => {
    const files = { large: Buffer.alloc(1_500_000, 'large'), small: Buffer.from('small'), empty: Buffer.alloc(0) };
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(place('www'), name), content);
    const keys = place(`keys-${alpn}`);
    await serving({ ALPN: alpn }, async (port) => {
      const { code, output, downloads } = await download(port, Object.keys(files), { ALPN: alpn, SSLKEYLOGFILE: keys });
      assert.equal(code, 0, output);
      for (const [name, content] of Object.entries(files)) assert.ok(readFileSync(path.join(downloads, name)).equals(content), name);
    });
    assert.match(readFileSync(keys, 'utf8'), /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/m);
  });

  test(`what is not below WWW is not served over ${alpn}, and fails the client`, async () => {
    await serving({ ALPN: alpn }, async (port) => {
      for (const name of ['none', '%2e%2e/secret']) {
        const { code, downloads } = await download(port, [name], { ALPN: alpn });
        assert.equal(code, 1, name);
        for (const got of readdirSync(downloads)) assert.equal(readFileSync(path.join(downloads, got)).length, 0);
      }
    });
  });
}

test('the server of connectionmigration has clients go to another address of its own', async () => {
  const content = Buffer.alloc(3_000_000, 'preferred');
  writeFileSync(path.join(place('www'), 'large'), content);
  const server = start({ ROLE: 'server', TESTCASE: 'connectionmigration', WWW: place('www'), ADDRESS: '127.0.0.1', PORT: '0' });
  const [, port] = await server.until(/"listening":.*"port":(\d+)/);
  const { code, output, downloads } = await download(port, ['large']);
  assert.equal(code, 0, output);
  assert.ok(readFileSync(path.join(downloads, 'large')).equals(content));
  const [, preferred] = await server.until(/"pathChanged":{"local":{[^}]*"port":(\d+)/);
  assert.notEqual(preferred, port);
  server.child.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

test('early data is sent and taken where the case wants it', async () => {
  for (const name of ['one', 'two']) writeFileSync(path.join(place('www'), name), name);
  await serving({ TESTCASE: 'zerortt' }, async (port) => {
    const { code, output } = await download(port, ['one', 'two'], { TESTCASE: 'zerortt' });
    assert.equal(code, 0, output);
    assert.match(output, /"earlyData":"accepted"/);
  });
});

test('a connection for each request where the case wants it', async () => {
  for (const name of ['one', 'two', 'three']) writeFileSync(path.join(place('www'), name), name);
  await serving({ TESTCASE: 'multiconnect' }, async (port) => {
    const { code, output } = await download(port, ['one', 'two', 'three'], { TESTCASE: 'multiconnect' });
    assert.equal(code, 0, output);
    assert.equal(output.match(/"stats"/g).length, 3);
  });
});

test('what is not known exits with 127, a client without a server with 1', async () => {
  assert.equal((await start({ ROLE: 'client', TESTCASE: 'telepathy', REQUESTS: 'https://127.0.0.1:1/x' }).ended).code, 127);
  assert.equal((await start({ ROLE: 'client', ALPN: 'smoke', REQUESTS: 'https://127.0.0.1:1/x' }).ended).code, 127);
  assert.equal((await start({ ROLE: 'client', TESTCASE: 'transfer', DOWNLOADS: folder, REQUESTS: 'https://127.0.0.1:1/x' }).ended).code, 1);
  assert.equal((await start({ ROLE: 'client', TESTCASE: 'transfer' }).ended).code, 1);
});
