// The demonstration's server, a process of its own: demo.mjs forks it and tells it when to move.
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { loadPackage } from '../lib/package.mjs';
import { answer, notify, now } from '../lib/remote.mjs';
import { Allowance, Kind, alpn, fileBytes, headerLength, numberBytes, readNumber, take } from './protocol.mjs';

const kPrepareDeadline = 5_000;
const kCompletedDeadline = 10_000;
const kPortTries = 20;

let server;
let source;
let port;
/** Are all moves over? */
let isReleased = false;
/** What we know of each connection, by the connection. */
const peers = new Map();

function say(text) {
  notify({ type: 'event', at: now(), text });
}

// ---- serving -----------------------------------------------------------------------------------------------------------

async function takeUpload(stream, length, peer) {
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of stream) {
    received += chunk.length;
    peer.uploaded = received;
    hash.update(chunk);
  }
  if (received !== length) throw new Error(`${received} bytes of an upload of ${length} came`);
  stream.end(hash.digest());
}

async function serve(stream, peer) {
  const head = await take(stream, headerLength);
  const kind = head.readUInt8();
  const number = readNumber(head, 1);
  if (kind === Kind.request) {
    peer.seen.set(number, (peer.seen.get(number) ?? 0) + 1);
    stream.end(numberBytes(number));
    stream.resume();
  } else if (kind === Kind.hello) {
    peer.name = String(await take(stream, number));
    stream.end(numberBytes(number));
    stream.resume();
  } else if (kind === Kind.upload) {
    await takeUpload(stream, number, peer);
  } else if (kind === Kind.download) {
    stream.resume();
    const allowance = new Allowance(source.size);
    await pipeline(fileBytes(source, number, (given) => allowance.allows(given, peer.uploaded, isReleased)), stream);
  } else {
    throw new Error(`a stream of kind ${kind} came`);
  }
}

function welcome(connection) {
  const peer = { name: connection.id, seen: new Map(), uploaded: 0, failures: [], isLeftBehind: false };
  peers.set(connection, peer);
  connection.on('stream', (stream) => {
    serve(stream, peer).catch((error) => {
      peer.failures.push(error.message);
      stream.destroy(error);
    });
  });
  connection.closed.catch((error) => {
    peer.isLeftBehind = error.code === 'ERR_QUIC_MIGRATED';
    say(`${peer.isLeftBehind ? 'left' : 'lost'} ${peer.name}: ${error.message}`);
  });
}

// ---- moving ------------------------------------------------------------------------------------------------------------

/** A port that is free on every host that the server may come to be at. */
async function freePort(hosts) {
  for (let attempt = 0; attempt < kPortTries; attempt++) {
    const sockets = [];
    try {
      let chosen = 0;
      for (const host of hosts) {
        const socket = createSocket('udp4');
        sockets.push(socket);
        socket.bind(chosen, host);
        await once(socket, 'listening');
        chosen = socket.address().port;
      }
      return chosen;
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    } finally {
      for (const socket of sockets) socket.close();
    }
  }
  throw new Error(`no port is free on all of ${hosts.join(', ')}`);
}

function planFor(connection, address) {
  const [protocol] = connection.serverMigration?.protocols ?? [];
  if (protocol === undefined) return 'close';
  return protocol === 'explicit' ? { protocol, address } : { protocol };
}

function summary(outcomes) {
  return outcomes.map(({ connection, status, error }) => ({ name: peers.get(connection)?.name ?? connection.id, status, error: error?.message }));
}

function countOf(outcomes, wanted) {
  return `${outcomes.filter(({ status }) => status === wanted).length} of ${outcomes.length} clients`;
}

/** What is on its way when the server leaves its address. */
async function underWay() {
  const all = [...server.connections].map(async (connection) => {
    const { name, uploaded } = peers.get(connection);
    const { bytesInFlight } = await connection.stats();
    return [name, { uploaded, bytesInFlight }];
  });
  return Object.fromEntries(await Promise.all(all));
}

async function move({ to }) {
  const address = { host: to, port };
  const beganAt = now();
  say(`prepares to move to ${to}: handshakes are frozen, clients are told`);
  const prepared = await server.prepareMigration((connection) => planFor(connection, address), { deadline: kPrepareDeadline });
  const preparedAt = now();
  say(`${countOf(prepared.outcomes, 'ready')} are ready (${(preparedAt - beganAt).toFixed(1)} ms)`);
  const load = await underWay();
  const switchedAt = now();
  const outcomes = await prepared.completed({ address, deadline: kCompletedDeadline });
  const completedAt = now();
  say(`has moved to ${server.address.host}; ${countOf(outcomes, 'migrated')} have followed (${(completedAt - switchedAt).toFixed(1)} ms)`);
  return { to, host: server.address.host, beganAt, preparedAt, switchedAt, completedAt, load, ready: summary(prepared.outcomes), outcomes: summary(outcomes) };
}

/** What was served to each client, on all of its connections. What a connection that was left behind missed is asked again. */
function servedByName() {
  const clients = new Map();
  for (const { name, seen, failures, isLeftBehind } of peers.values()) {
    if (isLeftBehind && seen.size === 0) continue;
    const client = clients.get(name) ?? { name, seen: new Map(), failures: [] };
    clients.set(name, client);
    for (const [number, times] of seen) client.seen.set(number, (client.seen.get(number) ?? 0) + times);
    if (!isLeftBehind) client.failures.push(...failures);
  }
  return [...clients.values()].map(({ name, seen, failures }) => ({
    name,
    failures,
    requests: seen.size,
    repeated: [...seen.values()].filter((times) => times > 1).length,
  }));
}

// ---- from the parent ---------------------------------------------------------------------------------------------------

answer(
  {
    async listen({ hosts, protocols, pool, tls, file, workers }) {
      const { listen } = await loadPackage();
      source = file;
      port = await freePort(hosts);
      server = await listen({
        address: { host: hosts[0], port },
        alpn: [alpn],
        tls,
        workers,
        serverMigration: { protocols, ...(pool && { pool: pool.map((host) => ({ host, port })) }) },
      });
      server.on('connection', welcome);
      server.on('refused', (error) => say(`refused a connection: ${error.message}`));
      server.on('migration', ({ type, connection, error }) => say(`${peers.get(connection)?.name}: ${type}${error ? `: ${error.message}` : ''}`));
      say(`listens on ${server.address.host}:${server.address.port}`);
      return server.address;
    },
    move,
    release() {
      isReleased = true;
    },
    async finish() {
      await server.close();
      return servedByName();
    },
  },
  () => server?.destroy(),
);
