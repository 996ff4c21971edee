// What the JavaScript programs around foreign stacks have in common: the environment of the public interoperability tests
// (scripts/interop/endpoint.mjs lists its variables), facts as lines of JSON, and files. Runs in Node, Bun and Deno.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const { env } = process;

export const testcase = env.TESTCASE;
export const isClient = env.ROLE === 'client';
export const port = Number(env.PORT);
export const address = env.ADDRESS ?? '127.0.0.1';
export const urls = (env.REQUESTS ?? '').split(' ').filter((url) => url !== '');
export const alpn = 'hq-interop';

export const pem = (name) => fs.readFileSync(path.join(env.CERTS, name), 'utf8');
export const say = (facts) => console.log(JSON.stringify(facts));
export const needsConnectionEach = testcase === 'multiconnect' || testcase === 'handshakeloss';
export const needsSession = testcase === 'resumption' || testcase === 'zerortt';

export const requestFor = (url) => Buffer.from(`GET ${new URL(url).pathname}\r\n`);
export const isRequest = (bytes) => bytes.includes(10);

/** The file that a request names; basename only, so it lies in WWW. */
export function fileFor(request) {
  const name = path.basename(String(request).split(/\s+/)[1] ?? '');
  return fs.readFileSync(path.join(env.WWW, name));
}

export function save(url, chunks) {
  fs.writeFileSync(path.join(env.DOWNLOADS, path.basename(new URL(url).pathname)), Buffer.concat(chunks));
}

/** Datagrams that must come back. */
export const datagrams = () => Array.from({ length: 20 }, (_, index) => `datagram ${index} `.padEnd(100 + index, 'x'));

/** The end of every program. */
export async function run({ client, server }) {
  try {
    if (isClient) {
      await client();
      process.exit(0);
    }
    await server();
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

/** What goes on which connection: a list of `{ urls, isFirst }`, one for each connection in turn. */
export function connectionsOf() {
  if (needsConnectionEach) return urls.map((url) => ({ urls: [url] }));
  if (needsSession) return [{ urls: urls.slice(0, 1), isFirst: true }, { urls: urls.slice(1), isSecond: true }];
  return [{ urls }];
}

export const isInBun = typeof globalThis.Bun !== 'undefined';
