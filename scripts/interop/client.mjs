// The client's side of the public interoperability tests: requests, on one connection or several, and what happens beside.
import { setTimeout as sleep } from 'node:timers/promises';
import { downloadFor, save } from './files.mjs';
import { NotSupported, connectWith, hasMember, needMember } from './library.mjs';
import { qlogTo } from './qlog.mjs';

const idleTimeout = 30_000;
const ticketTimeout = 5_000;
/** Tickets and tokens come together, but not in one packet. */
const ticketPatience = 100;
const datagramCount = 20;
const idPollMs = 5;
/** Streams that are read at a time; the peer's limit may be lower. */
const maxAtOnce = 100;

function serverOf(url) {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 443 : port) };
}

function optionsFor(setup, { session } = {}) {
  const { plan, protocol, keylog, pem, qlogFolder } = setup;
  const ca = pem('ca.pem');
  const base = { alpn: [protocol.name], idleTimeout, tls: ca === undefined ? { dangerouslySkipVerification: true } : { ca } };
  if (keylog !== undefined) base.keylog = keylog;
  // A first connection of the case 0-RTT has nothing to send early.
  const { earlyData, ...client } = plan.client ?? {};
  const needed = { ...client, ...(session === undefined ? {} : { session, ...(earlyData === undefined ? {} : { earlyData }) }) };
  return { base, needed, nice: qlogFolder === undefined ? {} : { qlog: qlogTo(qlogFolder, 'client') } };
}

/** The connection's latest session: it grows with each ticket and token that comes. Listen before they do. */
function latestSession(connection) {
  let latest;
  connection.on('session', (session) => (latest = session));
  return async () => {
    await sleep(ticketPatience);
    for (const end = Date.now() + ticketTimeout; latest === undefined && Date.now() < end; ) await sleep(ticketPatience);
    if (latest === undefined) throw new Error('the server sent no session ticket');
    return latest;
  };
}

async function open(setup, url, options) {
  const connection = await connectWith(serverOf(url), optionsFor(setup, options));
  connection.on('stream', (stream) => stream.on('error', () => undefined).resume()); // HTTP/3's control streams
  await setup.protocol.start(connection);
  return connection;
}

async function fetchOne(setup, connection, url) {
  const stream = await connection.openStream();
  stream.on('error', () => undefined);
  await save(setup.protocol.request(stream, url), downloadFor(setup.downloads, url));
}

/** All of `urls` on one connection, so many at a time. */
async function fetchAll(setup, connection, urls) {
  const queue = [...urls];
  const worker = async () => {
    for (let url = queue.shift(); url !== undefined; url = queue.shift()) await fetchOne(setup, connection, url);
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, urls.length) }, worker));
}

async function leave(setup, connection) {
  const { handshake } = connection;
  if (handshake !== undefined) setup.say({ handshake: { ...handshake } });
  setup.say({ stats: await connection.stats().catch(() => undefined) });
  // HTTP/3's control streams never end, so there is nothing to wait for.
  if (setup.protocol.name === 'h3') connection.destroy();
  else await connection.close({ code: 0 }).catch(() => undefined);
}

/** Each move takes a connection ID of the server's: the next one may still be on its way. */
async function move(connection, options) {
  for (;;) {
    try {
      return await connection.migrate(options);
    } catch (error) {
      if (error.code !== 'ERR_QUIC_NO_CONNECTION_ID' || options.signal.aborted) throw error;
      await sleep(idPollMs);
    }
  }
}

/** Things that go on beside the requests, until `signal`. */
const besides = {
  keyupdate: (_setup, connection) => connection.updateKeys(),
  async migrate({ plan }, connection, signal) {
    do {
      if (plan.every !== undefined) await sleep(plan.every, undefined, { signal });
      const { host } = connection.path.local;
      await move(connection, { localAddress: { host, port: 0 }, signal });
    } while (plan.every !== undefined && !signal.aborted);
  },
  async datagram({ say }, connection, signal) {
    const { datagrams } = connection;
    if (datagrams.maxSize === 0) throw new Error('the server takes no datagrams');
    const missing = new Set(Array.from({ length: datagramCount }, (_, index) => `datagram ${index} `.padEnd(100 + index, 'x')));
    const reading = (async () => {
      for await (const payload of datagrams) {
        missing.delete(Buffer.from(payload).toString('latin1'));
        if (missing.size === 0) return;
      }
    })();
    reading.catch(() => undefined);
    // Datagrams may get lost: those without an echo are sent again.
    while (missing.size > 0 && !signal.aborted) {
      for (const text of missing) datagrams.send(Buffer.from(text, 'latin1'));
      await Promise.race([reading, sleep(500)]);
    }
    say({ datagrams: datagramCount - missing.size });
    if (missing.size > 0) throw new Error(`${missing.size} of ${datagramCount} datagrams came not back`);
  },
};

/** What belongs to the case goes on while the requests do; some of it must be finished, some ends with them. */
async function fetchWithBeside(setup, connection, urls) {
  const { during, every } = setup.plan;
  if (during === undefined) return fetchAll(setup, connection, urls);
  const over = new AbortController();
  const beside = besides[during](setup, connection, over.signal).catch((error) => {
    if (!over.signal.aborted || every === undefined) throw error;
  });
  beside.catch(() => undefined);
  await fetchAll(setup, connection, urls);
  if (every !== undefined) over.abort();
  return beside;
}

async function fetchEach(setup) {
  for (const url of setup.requests) {
    const connection = await open(setup, url);
    await fetchOne(setup, connection, url);
    await leave(setup, connection);
  }
}

async function fetchResumed(setup) {
  const [first, ...rest] = setup.requests;
  const connection = await open(setup, first);
  const session = latestSession(connection);
  await fetchOne(setup, connection, first);
  const options = { session: await session() };
  await leave(setup, connection);

  const second = await open(setup, first, options);
  await fetchAll(setup, second, rest);
  await second.handshakeComplete;
  const { isResumed, earlyData } = second.handshake;
  await leave(setup, second);
  if (!isResumed) throw new Error('the session was not resumed');
  if (setup.plan.early && earlyData !== 'accepted') throw new Error(`0-RTT was ${earlyData}`);
}

export async function runClient(setup) {
  const { plan, requests } = setup;
  if (requests.length === 0) throw new Error('REQUESTS is empty');
  for (const name of plan.members ?? []) needMember(name);
  if (plan.connections === 'resumed' && !hasMember('handshake')) throw new NotSupported('resumption');
  if (plan.connections === 'each') return fetchEach(setup);
  if (plan.connections === 'resumed') return fetchResumed(setup);
  const connection = await open(setup, requests[0]);
  await fetchWithBeside(setup, connection, requests);
  return leave(setup, connection);
}
