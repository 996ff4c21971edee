// Where a server can move to, and what else may happen meanwhile, with the real addon: other ports, IPv6, both families at once,
// and clients that move themselves.
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

async function movingServer(way: ClientMigrationOptions, home: Endpoint, pool: readonly Endpoint[], workers = 0): Promise<QuicServer> {
  const isPool = way.protocols[0] === 'pool-of-addresses';
  const server = await serve({ workers, address: home, serverMigration: { protocols: way.protocols, ...(isPool && { pool: pool as [Endpoint] }) } });
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

  test.each([0, 2])('the client moves at the same time (%i workers)', async (workers) => {
    const [port] = (await freePorts('127.0.0.1', 1)) as [number];
    const home = { host: '127.0.0.1', port };
    const next = { host: '127.0.0.2', port };
    await using server = await movingServer(way, home, [home, next], workers);
    await using client = await dial(server, { serverMigration: way });
    await accepted(server, 1);
    // Longer than the handshake takes to be confirmed, which a client's own move needs.
    for (let n = 0; n < 3; n++) expect(await ask(client, `q${n}`)).toBe(`Q${n}`);
    const own = client.migrate({ localAddress: '127.0.0.1:0' });
    const [outcome] = await Promise.all([Promise.allSettled([own]).then(([settled]) => settled), moveTo(server, planFor(way.protocols, next), next)]);
    expect(await ask(client, 'after')).toBe('AFTER');
    expect(client.path.peer).toMatchObject(next);
    // A client whose own move met the server's may have gone back, and says so, or not: both ends agree where it is.
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^ERR_QUIC_(?:NO_VIABLE_PATH|MIGRATION_INVALID_STATE|MIGRATION_IN_PROGRESS)$/) });
    }
    const [accepting] = [...server.connections];
    expect(accepting?.path.peer.port).toBe(client.path.local.port);
    // And both can move again.
    const last = { host: '127.0.0.3', port };
    if (way.protocols[0] === 'pool-of-addresses') return;
    await client.migrate({ localAddress: '127.0.0.1:0' });
    await moveTo(server, planFor(way.protocols, last), last);
    expect(await ask(client, 'again')).toBe('AGAIN');
    expect(client.path.peer).toMatchObject(last);
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
