// Where a server can move to, with the real addon: other ports, IPv6, both families at once.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type ClientMigrationOptions, type MigrationPlan, type QuicConnection, type QuicServer, QuicStream, type SocketAddress, connect } from '../../../lib/index.js';
import { accepted, clientTls, dial, serve } from '../support/real.js';

const variants: readonly (readonly [string, ClientMigrationOptions])[] = [
  ['Explicit, reactive', { protocols: ['explicit'], explicitProbing: 'reactive' }],
  ['Explicit, proactive', { protocols: ['explicit'], explicitProbing: 'proactive' }],
  ['Pool of Addresses', { protocols: ['pool-of-addresses'] }],
  ['Symmetric', { protocols: ['symmetric'] }],
  ['Synchronized Symmetric', { protocols: ['synchronized-symmetric'] }],
];

type Endpoint = { readonly host: string; readonly port: number };

function answers(server: QuicServer): void {
  server.on('connection', (connection) => {
    connection.on('stream', (stream) => {
      if (stream instanceof QuicStream) text(stream).then((question) => stream.end(question.toUpperCase()), () => undefined);
    });
  });
}

async function ask(connection: QuicConnection, question: string): Promise<string> {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

/** Ports of `host` that were free a moment ago. */
async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const sockets = Array.from({ length: count }, () => createSocket(host.includes(':') ? 'udp6' : 'udp4'));
  for (const socket of sockets) {
    socket.bind(0, host);
    await once(socket, 'listening');
  }
  const ports = sockets.map((socket) => socket.address().port);
  for (const socket of sockets) {
    socket.close();
    await once(socket, 'close');
  }
  return ports;
}

function planFor([protocol]: ClientMigrationOptions['protocols'], address: Endpoint): MigrationPlan {
  return protocol === 'explicit' ? { protocol, address } : ({ protocol } as MigrationPlan);
}

async function movingServer(way: ClientMigrationOptions, home: Endpoint, pool: readonly Endpoint[]): Promise<QuicServer> {
  const isPool = way.protocols[0] === 'pool-of-addresses';
  const server = await serve({ address: home, serverMigration: { protocols: way.protocols, ...(isPool && { pool: pool as [Endpoint] }) } });
  answers(server);
  return server;
}

/** Moves the server, and checks that everybody came along. */
async function moveTo(server: QuicServer, plan: MigrationPlan, address: Endpoint): Promise<void> {
  const move = await server.prepareMigration(plan);
  expect(move.outcomes.map(({ status }) => status)).toEqual(move.outcomes.map(() => 'ready'));
  const outcomes = await move.completed({ address });
  expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'migrated'));
}

describe.each(variants)('%s', (_name, way) => {
  test.each([
    ['another port', '127.0.0.1', '127.0.0.1'],
    ['another port of IPv6', '::1', '::1'],
  ])('the server goes to %s', async (_where, from, to) => {
    const [first, second] = (await freePorts(from, 2)) as [number, number];
    const home = { host: from, port: first };
    const next = { host: to, port: second };
    await using server = await movingServer(way, home, [home, next]);
    await using client = await dial(server, { serverMigration: way });
    await accepted(server, 1);
    expect(await ask(client, 'before')).toBe('BEFORE');
    await moveTo(server, planFor(way.protocols, next), next);
    expect(await ask(client, 'after')).toBe('AFTER');
    expect(client.path.peer).toMatchObject(next);
    expect(server.address).toMatchObject(next);
  });
});

test('a server of both families moves clients of both at once', async () => {
  const [first, second] = (await freePorts('::1', 2)) as [number, number];
  await using server = await serve({ address: { host: '::', port: first }, serverMigration: { protocols: ['explicit', 'symmetric'] } });
  answers(server);
  const dialAt = (host: string, way: ClientMigrationOptions): Promise<QuicConnection> =>
    connect({ host, port: first }, { alpn: ['test'], serverName: 'localhost', tls: clientTls, serverMigration: way });
  await using four = await dialAt('127.0.0.1', { protocols: ['explicit'], explicitProbing: 'proactive' });
  await using six = await dialAt('::1', { protocols: ['explicit'], explicitProbing: 'reactive' });
  await using sixSymmetric = await dialAt('::1', { protocols: ['symmetric'] });
  const all = [four, six, sixSymmetric];
  await accepted(server, all.length);
  const familyOf = ({ path }: QuicConnection): SocketAddress['family'] => path.peer.family;
  const move = await server.prepareMigration((connection) => {
    if (connection.serverMigration?.protocols.has('symmetric') === true) return { protocol: 'symmetric' };
    return { protocol: 'explicit', address: { host: familyOf(connection) === 'IPv4' ? '127.0.0.1' : '::1', port: second } };
  });
  expect(move.outcomes.map(({ status }) => status)).toEqual(['ready', 'ready', 'ready']);
  const outcomes = await move.completed({ address: { host: '::', port: second } });
  expect(outcomes.map(({ status }) => status)).toEqual(['migrated', 'migrated', 'migrated']);
  for (const connection of all) {
    expect(await ask(connection, 'still')).toBe('STILL');
    expect(connection.path.peer.port).toBe(second);
  }
});
