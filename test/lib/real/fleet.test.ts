// Servers that move under many clients in several processes, with the real addon. Every byte that went up and down is compared
// by its hash; what is waited for is always a condition.
import { randomBytes } from 'node:crypto';
import { type MigrationPlan, type QuicConnection, type QuicServer, type ServerMigrationEvent } from '../../../lib/index.js';
import { type Crew, Fleet, type Way, exchanges } from '../support/fleet.js';
import { accepted, dial, serve } from '../support/real.js';

const every: readonly Way[] = [
  { protocols: ['explicit'], explicitProbing: 'reactive' },
  { protocols: ['explicit'], explicitProbing: 'proactive' },
  { protocols: ['pool-of-addresses'] },
  { protocols: ['symmetric'] },
  { protocols: ['synchronized-symmetric'] },
];
const names = ['explicit', 'pool-of-addresses', 'symmetric', 'synchronized-symmetric'] as const;

/** A plan for each connection by what it negotiated. */
function planner(address: { readonly host: string; readonly port: number }): (connection: QuicConnection) => MigrationPlan | 'close' {
  return ({ serverMigration }) => {
    const [protocol] = serverMigration?.protocols ?? [];
    if (protocol === undefined) return 'close';
    return protocol === 'explicit' ? { protocol, address } : { protocol };
  };
}

const statuses = (outcomes: readonly { readonly status: string }[]): readonly string[] => [...new Set(outcomes.map(({ status }) => status))];

/** A server that may come to be at 127.0.0.2 and 127.0.0.3. */
async function poolServer(workers: number): Promise<QuicServer> {
  const first = await serve();
  const { port } = first.address;
  await first.close();
  const pool = [`127.0.0.1:${port}`, `127.0.0.2:${port}`, `127.0.0.3:${port}`] as const;
  const server = await serve({ workers, address: { host: '127.0.0.1', port }, serverMigration: { protocols: names, pool } });
  exchanges(server);
  return server;
}

test.each([1, 4])('fifty clients of every kind in five processes follow twice, and lose nothing (%i workers)', async (workers) => {
  await using server = await poolServer(workers);
  const { port } = server.address;
  let acknowledged = 0;
  server.on('migration', ({ type }) => (acknowledged += type === 'pool-acknowledged' ? 1 : 0));
  await using fleet = new Fleet(5);
  await fleet.connect(server.address, () => [...every, ...every]);
  await accepted(server, 50);
  await fleet.more(4);
  expect(acknowledged).toBe(10);
  for (const host of ['127.0.0.2', '127.0.0.3']) {
    const address = { host, port };
    const move = await server.prepareMigration(planner(address));
    expect(statuses(move.outcomes)).toEqual(['ready']);
    const outcomes = await move.completed({ address });
    expect(outcomes).toHaveLength(50);
    expect(statuses(outcomes)).toEqual(['migrated']);
    const peers = await fleet.more(4);
    expect(new Set(peers.map((peer) => peer.host))).toEqual(new Set([host]));
  }
  const results = await fleet.stop();
  expect(results).toHaveLength(50);
  for (const result of results) {
    expect(result).toMatchObject({ isUpEqual: true, isDownEqual: true, peer: { host: '127.0.0.3', port } });
    expect(result.events.filter((type) => type === 'completed')).toHaveLength(2);
  }
  expect(server.stats().migrations).toMatchObject({ ready: 100, completed: 100, failed: 0 });
});

test.each(every.map((way) => [way.explicitProbing ?? way.protocols[0], way] as const))('a whole fleet of one kind under one plan: %s', async (_name, way) => {
  await using server = await poolServer(1);
  const address = { host: '127.0.0.2', port: server.address.port };
  await using fleet = new Fleet(2);
  await fleet.connect(server.address, () => [way, way, way]);
  await accepted(server, 6);
  await fleet.more(4);
  const [protocol] = way.protocols;
  const move = await server.prepareMigration(protocol === 'explicit' ? { protocol, address } : ({ protocol } as MigrationPlan));
  expect(statuses(await move.completed({ address }))).toEqual(['migrated']);
  await fleet.more(4);
  for (const result of await fleet.stop()) expect(result).toMatchObject({ isUpEqual: true, isDownEqual: true, peer: address });
});

describe('a client that is there and says nothing', () => {
  let server: QuicServer;
  // Not closed: a client that does not answer would be waited for.
  afterEach(() => server.destroy());

  test('is named when the deadline has passed, the others move, and it is closed', async () => {
    server = await poolServer(1);
    const { port } = server.address;
    await using fleet = new Fleet(2);
    await fleet.connect(server.address, () => [{ protocols: ['explicit'], explicitProbing: 'proactive' }]);
    await accepted(server, 2);
    await fleet.more(2);
    const [lively, silent] = fleet.crews as [Crew, Crew];
    silent.signal('SIGSTOP');
    const address = { host: '127.0.0.2', port };
    const preparing = server.prepareMigration({ protocol: 'explicit', address }, { deadline: 400 });
    expect(server.migrationStatus()).toMatchObject({ step: 'preparing', connections: [{ waitsFor: 'acknowledgment' }, { waitsFor: 'acknowledgment' }] });
    const move = await preparing;
    expect(move.outcomes.map(({ status }) => status).sort()).toEqual(['pending', 'ready']);
    const late = move.outcomes.find(({ status }) => status === 'pending');
    expect(late).toMatchObject({ error: { code: 'ERR_QUIC_MIGRATION_DEADLINE' } });
    const status = server.migrationStatus();
    expect(status.step).toBe('prepared');
    expect(status.connections.find(({ state }) => state === 'late')?.connection).toBe(late?.connection);
    expect(status.connections.find(({ state }) => state === 'ready')).toMatchObject({ waitsFor: 'relocation', protocol: 'explicit' });
    const outcomes = await move.completed({ address });
    expect(outcomes.find(({ connection }) => connection === late?.connection)).toMatchObject({ status: 'closed', error: { code: 'ERR_QUIC_MIGRATED' } });
    expect((await lively.more(2))[0]).toMatchObject(address);
    expect(await lively.stop()).toMatchObject([{ isUpEqual: true, isDownEqual: true }]);
  });

  test('is named when it does not arrive, and given up', async () => {
    server = await poolServer(1);
    await using fleet = new Fleet(2);
    await fleet.connect(server.address, () => [{ protocols: ['symmetric'] }]);
    await accepted(server, 2);
    await fleet.more(2);
    const [lively, silent] = fleet.crews as [Crew, Crew];
    const address = { host: '127.0.0.2', port: server.address.port };
    const move = await server.prepareMigration({ protocol: 'symmetric' });
    silent.signal('SIGKILL');
    const moving = move.completed({ address, deadline: 400 });
    expect(server.migrationStatus()).toMatchObject({ step: 'switching', connections: [{ waitsFor: 'arrival' }, { waitsFor: 'arrival' }] });
    const outcomes = await moving;
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['migrated', 'pending']);
    expect(outcomes.find(({ status }) => status === 'pending')).toMatchObject({ error: { code: 'ERR_QUIC_MIGRATION_DEADLINE' } });
    expect(server.migrationStatus()).toEqual({ step: 'idle', connections: [] });
    expect(await lively.stop()).toMatchObject([{ isUpEqual: true, isDownEqual: true, peer: address }]);
  });
});

test('a move that is called off before the server leaves costs nobody anything', async () => {
  await using server = await poolServer(1);
  await using fleet = new Fleet(1);
  await fleet.connect(server.address, () => every);
  await accepted(server, every.length);
  await fleet.more(2);
  const address = { host: '127.0.0.2', port: server.address.port };
  {
    await using move = await server.prepareMigration(planner(address));
    expect(statuses(move.outcomes)).toEqual(['ready']);
  }
  expect(server.migrationStatus().step).toBe('idle');
  // Handshakes are taken again, and everybody talks to where the server is.
  await using newcomer = await dial(server);
  expect(newcomer.alpn).toBe('test');
  for (const peer of await fleet.more(4)) expect(peer).toEqual(server.address);
  // What was announced may be announced again.
  const move = await server.prepareMigration(planner(address));
  const outcomes = await move.completed({ address });
  expect(outcomes.filter(({ status }) => status === 'migrated')).toHaveLength(every.length);
  for (const result of await fleet.stop()) expect(result).toMatchObject({ isUpEqual: true, isDownEqual: true, peer: address });
});

test('when the new address cannot be bound, all go on at the old one, and another is tried', async () => {
  await using server = await poolServer(1);
  const { port } = server.address;
  await using taken = await serve({ address: { host: '127.0.0.2', port } });
  await using fleet = new Fleet(1);
  await fleet.connect(server.address, () => every.slice(2));
  await accepted(server, 3);
  const address = { host: '127.0.0.3', port };
  const move = await server.prepareMigration(planner(address));
  await expect(move.completed({ address: taken.address })).rejects.toMatchObject({ code: 'ERR_QUIC_ADDRESS_IN_USE' });
  expect(server.migrationStatus()).toMatchObject({ step: 'prepared', connections: [{ state: 'ready' }, { state: 'ready' }, { state: 'ready' }] });
  for (const peer of await fleet.more(4)) expect(peer).toMatchObject({ host: '127.0.0.1', port });
  expect(statuses(await move.completed({ address }))).toEqual(['migrated']);
  for (const result of await fleet.stop()) expect(result).toMatchObject({ isUpEqual: true, isDownEqual: true, peer: address });
});

test('a server hands its address over to the next one: its clients go along with it, new ones come to the other', async () => {
  const secrets = [randomBytes(32)] as const;
  const old = await serve({ secrets, serverMigration: { protocols: names.filter((name) => name !== 'pool-of-addresses') as ['explicit'] } });
  exchanges(old);
  const { address } = old;
  await using fleet = new Fleet(1);
  await fleet.connect(address, () => every.filter(({ protocols: [protocol] }) => protocol !== 'pool-of-addresses'));
  await accepted(old, 4);
  // One that cannot follow, and has a session for its next connection.
  const stranger = await dial(old);
  const session = new Promise<Uint8Array>((resolve) => stranger.on('session', resolve));
  await accepted(old, 5);
  await fleet.more(4);

  const aside = { host: '127.0.0.2', port: address.port };
  const move = await old.prepareMigration(planner(aside));
  const outcomes = await move.completed({ address: aside });
  expect(outcomes.filter(({ status }) => status === 'migrated')).toHaveLength(4);
  const drained = old.drain();
  await using next = await serve({ address, secrets });
  exchanges(next);

  await expect(stranger.closed).rejects.toMatchObject({ code: 'ERR_QUIC_REFUSED', reason: 'server migrated: reconnect' });
  await using back = await dial(next, { session: await session });
  expect(back.handshake.isResumed).toBe(true);
  for (const peer of await fleet.more(4)) expect(peer).toMatchObject(aside);
  for (const result of await fleet.stop()) expect(result).toMatchObject({ isUpEqual: true, isDownEqual: true, peer: aside });
  await drained;
  expect(next.connections.size).toBe(1);
});

test('each connection hears of its own steps, in their order', async () => {
  await using server = await poolServer(0);
  const heard = new Map<QuicConnection, string[]>();
  server.on('migration', (event: ServerMigrationEvent) => heard.set(event.connection, [...(heard.get(event.connection) ?? []), event.type]));
  await using fleet = new Fleet(1);
  await fleet.connect(server.address, () => [every[1] as Way, every[3] as Way, every[4] as Way]);
  await accepted(server, 3);
  const address = { host: '127.0.0.2', port: server.address.port };
  const move = await server.prepareMigration(planner(address));
  await move.completed({ address });
  expect(heard.size).toBe(3);
  for (const types of heard.values()) expect(types).toEqual(['announcing', 'ready', 'switching', 'completed']);
  await fleet.stop();
});
