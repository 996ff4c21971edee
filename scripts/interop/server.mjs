// The server's side of the public interoperability tests: files below WWW, and an echo of datagrams, until it is ended.
import { setTimeout as sleep } from 'node:timers/promises';
import { hasMember, listenWith } from './library.mjs';
import { preferredAddresses } from './preferred.mjs';
import { qlogTo } from './qlog.mjs';

const idleTimeout = 30_000;
const statsIntervalMs = 10;

async function echoDatagrams({ datagrams }) {
  for await (const payload of datagrams) datagrams.send(payload);
}

/** Again and again: clients leave as soon as they have what they came for. */
async function tellStats(say, connection) {
  for (;;) {
    say({ stats: await connection.stats() });
    await sleep(statsIntervalMs);
  }
}

async function serveStreams(setup, connection) {
  await setup.protocol.start(connection);
  for await (const stream of connection.incomingStreams) {
    stream.on('error', () => undefined);
    if ('write' in stream) setup.protocol.serve(stream, setup.www).catch((error) => console.error(`stream ${stream.id}: ${error.message}`));
    else stream.resume();
  }
}

function serve(setup, connection) {
  const { say, plan } = setup;
  // With early data a connection is there before its handshake is complete.
  connection.handshakeComplete.then(() => say({ connection: connection.id, handshake: { ...connection.handshake } }), () => undefined);
  connection.closed.then(
    () => say({ closed: connection.id }),
    (error) => say({ closed: connection.id, error: error.code, reason: error.reason, initiator: error.initiator }),
  );
  connection.on('pathChanged', (path) => say({ pathChanged: path }));
  serveStreams(setup, connection).catch(() => undefined);
  if (plan.tellsStats) tellStats(say, connection).catch(() => undefined);
  if (hasMember('datagrams')) echoDatagrams(connection).catch(() => undefined);
}

export async function runServer(setup) {
  const { plan, protocol, address, pem, keylog, qlogFolder } = setup;
  const base = { alpn: [protocol.name], address, idleTimeout, tls: { cert: pem('cert.pem'), key: pem('priv.key') } };
  if (keylog !== undefined) base.keylog = keylog;
  const nice = { limits: { datagramSize: 65_535 } };
  if (qlogFolder !== undefined) nice.qlog = (connection) => qlogTo(qlogFolder, connection.id);
  const preferredAddress = plan.prefersAddress ? await preferredAddresses(address.host) : [];
  const needed = preferredAddress.length > 0 ? { ...plan.server, preferredAddress } : plan.server;
  const server = await listenWith({ base, needed, nice });
  server.on('refused', (error, peer) => setup.say({ refused: error.code, reason: error.reason, peer }));
  server.on('connection', (connection) => serve(setup, connection));
  setup.say({ listening: server.address });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      server.destroy();
      server.closed.then(() => process.exit(0), () => process.exit(0));
    });
  }
  await server.closed;
}
