// One cell of the matrix: a case, a client, a server, and the link between them.
import { createHash, randomFillSync } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Unmet } from './cases.mjs';
import { Link } from './link.mjs';
import { ours } from './peers/ours.mjs';
import { Child, untilBound } from './process.mjs';

const defaultLimitMs = 30_000;
async function freePort() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

function hashOf(file) {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'nothing';
}

function prepare(folder, files) {
  const places = { www: path.join(folder, 'www'), downloads: path.join(folder, 'downloads') };
  for (const place of Object.values(places)) mkdirSync(place, { recursive: true });
  for (const { name, size } of files) writeFileSync(path.join(places.www, name), randomFillSync(Buffer.allocUnsafe(size)));
  return places;
}

function compare({ www, downloads }, files) {
  const wrong = files.filter(({ name }) => hashOf(path.join(www, name)) !== hashOf(path.join(downloads, name)));
  if (wrong.length > 0) throw new Unmet(`${wrong.length} of ${files.length} files did not come whole (${wrong[0].name})`);
}

/** The client's programs in turn; the first that fails ends it. */
async function runClients(commands, limitMs, children) {
  const deadline = Date.now() + limitMs;
  for (const command of commands) {
    const child = new Child(command);
    children.push(child);
    const { code, signal, timedOut } = await child.endWithin(Math.max(1, deadline - Date.now()));
    if (timedOut) throw new Unmet(`the client was not done after ${limitMs / 1000} s`);
    if (code !== 0) throw new Unmet(`the client ended with ${signal ?? code}`);
  }
}

async function play(setup, children) {
  const { test, cell, server, clients } = setup;
  const as = (role) => ({ ...cell, testcase: test.testcases?.[role] ?? test.name });
  const program = new Child(await server(as('server')));
  children.push(program);
  let link;
  try {
    await untilBound(program, cell.port);
    if (!test.isDirect) link = await Link.open({ target: cell, condition: test.link, seed: setup.seed, record: test.record });
    const host = cell.host.includes(':') ? `[${cell.host}]` : cell.host;
    cell.requests = test.files.map(({ name }) => `https://${host}:${link?.port ?? cell.port}/${name}`);
    test.during?.(link).catch(() => undefined);
    await runClients(clients(as('client')), test.limitMs ?? defaultLimitMs, children);
    compare(cell, test.files);
    const facts = children.flatMap((child) => child.facts);
    test.judge?.({ link, facts, ourFacts: facts, ourRole: setup.ourRole, keylog: cell.keylogs[setup.ourRole] });
  } finally {
    await program.stop();
    link?.close();
  }
}

/**
 * `direction` 'client': our client and the peer's server; 'server': the other way round. Resolves with `{ status, reason, log }`:
 * 'pass', 'fail', 'missing' (we cannot yet) or 'cannot' (the peer cannot).
 */
export async function runCell({ test, peer, direction, folder, certs, seed, doubt }) {
  const theirRole = direction === 'client' ? 'server' : 'client';
  const why = peer.cannot[theirRole][test.name] ?? (test.only?.includes(peer.id) === false ? test.otherwise : undefined);
  if (why !== undefined && !doubt) return { status: 'cannot', reason: why };
  const places = prepare(folder, test.files);
  const keylogs = { client: path.join(folder, 'client-keys.log'), server: path.join(folder, 'server-keys.log') };
  const { host = '127.0.0.1' } = test;
  const cell = { host, alpn: test.alpn, port: await freePort(), preferredPort: await freePort(), certs, folder, requests: [], keylogs, ...places };
  const children = [];
  const began = Date.now();
  const done = (status, reason) => ({ status, reason, seconds: (Date.now() - began) / 1000, log: children.map(({ output }) => output).join('\n-----\n') });
  try {
    const { alpn = peer.alpn } = test;
    const server = direction === 'client' ? peer.server : (one) => ours('server', one, alpn)[0];
    const clients = direction === 'client' ? (one) => ours('client', one, alpn) : peer.client;
    await play({ test, cell, server, clients, seed, ourRole: direction }, children);
    return done('pass');
  } catch (error) {
    const missing = children.flatMap((child) => child.facts).find((fact) => fact.notSupported !== undefined);
    if (missing !== undefined) return done('missing', missing.notSupported);
    return done('fail', error.message.split('\n')[0]);
  }
}
