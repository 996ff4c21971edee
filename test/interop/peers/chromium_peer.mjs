// Chromium, whose QUIC is Google's, as a client behind the environment of the public interoperability tests: a page fetches
// the files, over the browser's debugging pipe. Arguments: the program and its dynamic libraries' path.
import { spawn } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connectionsOf, pem, run, save, say } from './common.mjs';

const [program, libraries] = process.argv.slice(2);

/** The certificate's authority is not the browser's; its key is named instead. */
const keyHash = createHash('sha256').update(new X509Certificate(pem('cert.pem')).publicKey.export({ type: 'spki', format: 'der' })).digest('base64');

const quiet = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-web-security']; // an empty page may fetch from anywhere

class Browser {
  #process;
  #waiting = new Map();
  #next = 1;
  #buffered = '';

  constructor(origin, profile) {
    const quicOnly = ['--enable-quic', `--origin-to-force-quic-on=${origin}`, '--host-resolver-rules=MAP localhost 127.0.0.1'];
    const trust = [`--ignore-certificate-errors-spki-list=${keyHash}`, `--user-data-dir=${profile}`];
    this.#process = spawn(program, [...quiet, ...quicOnly, ...trust, '--remote-debugging-pipe'], {
      env: { ...process.env, LD_LIBRARY_PATH: libraries }, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.errors = '';
    this.#process.stderr.on('data', (chunk) => (this.errors += chunk));
    this.#process.stdio[4].on('data', (chunk) => this.#read(chunk));
    this.#process.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the browser has ended: ${this.errors}`));
    });
  }
  /** Messages are JSON, each with a NUL behind it. */
  #read(chunk) {
    const parts = (this.#buffered + chunk).split('\0');
    this.#buffered = parts.pop();
    for (const part of parts) {
      const { id, result, error } = JSON.parse(part);
      const one = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error !== undefined) one?.reject(new Error(error.message));
      else one?.resolve(result);
    }
  }
  call(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }
  stop() {
    this.#process.kill('SIGKILL');
    return new Promise((resolve) => this.#process.once('close', resolve));
  }
}

/** In the page: the answers of all URLs, in base64. */
const fetchAll = `async (urls) => Promise.all(urls.map(async (url) => {
  const answer = await fetch(url, { cache: 'no-store' });
  if (!answer.ok) throw new Error(url + ' was answered with ' + answer.status);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}))`;

async function download(urls, profile) {
  const { port } = new URL(urls[0]);
  const origin = `localhost:${port}`;
  const local = urls.map((url) => `https://${origin}${new URL(url).pathname}`);
  const browser = new Browser(origin, profile);
  try {
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
    const expression = `(${fetchAll})(${JSON.stringify(local)})`;
    const { result, exceptionDetails } = await browser.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    result.value.forEach((text, index) => save(urls[index], [Buffer.from(text, 'base64')]));
  } finally {
    await browser.stop();
  }
}

async function client() {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'interop-chromium-'));
  try {
    for (const { urls } of connectionsOf()) await download(urls, profile);
    say({ done: true });
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

await run({ client });
