// A server that moves between 127.0.0.1 and 127.0.0.2 while requests are under way, with the real addon. The old address
// is gone at once: nothing answers there after the switch.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type ClientMigrationEvent, type ConnectOptions, type QuicConnection, type QuicServer, QuicStream, type ServerMigrationProtocol } from '../../../lib/index.js';
import { rejection } from '../support/fixtures.js';
import { accepted, dial, serve } from '../support/real.js';

/** Answers each question with its upper case. */
function answers(server: QuicServer): void {
  server.on('connection', (connection) => {
    connection.on('stream', (stream) => {
      if (stream instanceof QuicStream) text(stream).then((question) => stream.end(question.toUpperCase()), () => undefined);
    });
  });
}

interface Load {
  /** So many answers more have come. */
  more(count: number): Promise<void>;
  stop(): Promise<number>;
}

/** Asks without a pause until stopped; each answer is checked. */
function load(connection: QuicConnection): Load {
  let isDone = false;
  let count = 0;
  let waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  const asking = (async () => {
    while (!isDone) {
      const stream = await connection.openStream();
      stream.end(`q${count}`);
      expect(await text(stream)).toBe(`Q${count}`);
      count++;
      for (const { resolve } of waiting.filter(({ at }) => at <= count)) resolve();
      waiting = waiting.filter(({ at }) => at > count);
    }
  })();
  asking.catch(() => undefined);
  return {
    more: (added) => Promise.race([new Promise<void>((resolve) => waiting.push({ at: count + added, resolve })), asking]),
    async stop() {
      isDone = true;
      await asking;
      return count;
    },
  };
}

interface Move {
  readonly protocols: readonly [ServerMigrationProtocol, ...ServerMigrationProtocol[]];
  readonly client: Partial<NonNullable<ConnectOptions['serverMigration']>>;
  readonly events: readonly string[];
}
const moves: readonly (readonly [string, Move])[] = [
  ['Explicit, reactive', { protocols: ['explicit'], client: { explicitProbing: 'reactive' }, events: ['announced', 'probing', 'completed'] }],
  ['Explicit, proactive', { protocols: ['explicit'], client: { explicitProbing: 'proactive' }, events: ['announced', 'probing', 'completed'] }],
  ['Symmetric', { protocols: ['symmetric'], client: {}, events: ['detected', 'completed'] }],
  ['Synchronized Symmetric', { protocols: ['synchronized-symmetric'], client: {}, events: ['announced', 'detected', 'completed'] }],
];

describe.each([0, 1, 2])('with %i workers', (workers) => {
  test.each(moves)('%s: no request is lost', async (_name, { protocols, client, events }) => {
    await using server = await serve({ workers, serverMigration: { protocols } });
    answers(server);
    await using connection = await dial(server, { serverMigration: { protocols, ...client } });
    expect([...(connection.serverMigration?.protocols ?? [])]).toEqual(protocols);
    const heard: ClientMigrationEvent[] = [];
    connection.on('migration', (event) => heard.push(event));
    const requests = load(connection);
    await requests.more(5);

    const next = { host: '127.0.0.2', port: server.address.port };
    const [protocol] = protocols;
    const move = await server.prepareMigration(protocol === 'explicit' ? { protocol, address: next } : ({ protocol } as { protocol: 'symmetric' }));
    expect(move.outcomes.map(({ status }) => status)).toEqual(['ready']);
    const outcomes = await move.completed({ address: next });
    expect(outcomes.map(({ status }) => status)).toEqual(['migrated']);
    expect(server.address).toMatchObject(next);

    await requests.more(5);
    expect(await requests.stop()).toBeGreaterThanOrEqual(10);
    expect(connection.path.peer).toMatchObject(next);
    const types = heard.map(({ type }) => type);
    expect(types.filter((type) => type !== 'reverted')).toEqual(events);
  });

  test('Pool of Addresses: the client finds the one that answers', async () => {
    const first = await serve();
    const { port } = first.address;
    await first.close();
    const pool = [`127.0.0.3:${port}`, `127.0.0.2:${port}`] as const;
    const protocols = ['pool-of-addresses'] as const;
    await using server = await serve({ workers, address: { host: '127.0.0.1', port }, serverMigration: { protocols, pool } });
    answers(server);
    const acknowledged = once(server, 'migration');
    await using connection = await dial(server, { serverMigration: { protocols } });
    expect(await acknowledged).toMatchObject([{ type: 'pool-acknowledged' }]);
    const requests = load(connection);
    const move = await server.prepareMigration({ protocol: 'pool-of-addresses' });
    await move.completed({ address: `127.0.0.2:${port}` });
    await requests.stop();
    expect(connection.path.peer.host).toBe('127.0.0.2');
  });
});

test.each(moves)('%s: it can move there and back, and again', async (_name, { protocols, client }) => {
  await using server = await serve({ serverMigration: { protocols } });
  answers(server);
  await using connection = await dial(server, { serverMigration: { protocols, ...client } });
  await accepted(server, 1);
  const requests = load(connection);
  const { port } = server.address;
  const [protocol] = protocols;
  for (const host of ['127.0.0.2', '127.0.0.1', '127.0.0.3', '127.0.0.2']) {
    const address = { host, port };
    await using move = await server.prepareMigration(protocol === 'explicit' ? { protocol, address } : ({ protocol } as { protocol: 'symmetric' }));
    const outcomes = await move.completed({ address });
    expect(outcomes.map(({ status }) => status)).toEqual(['migrated']);
    await requests.more(2);
    expect(connection.path.peer.host).toBe(host);
  }
  expect(await requests.stop()).toBeGreaterThan(3);
});

test('channels of node:diagnostics_channel and counters tell of a move at both ends', async () => {
  const told: Record<'client' | 'server', string[]> = { client: [], server: [] };
  const onMigration = (message: unknown): void => {
    const { connection, event } = message as { readonly connection: QuicConnection; readonly event: { readonly type: string } };
    told[connection.side].push(event.type);
  };
  const steps: string[] = [];
  const onStep = (message: unknown): void => void steps.push((message as { readonly step: string }).step);
  subscribe('node-mvfst:migration', onMigration);
  subscribe('node-mvfst:server-migration', onStep);
  await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
  answers(server);
  await using client = await dial(server, { serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive' } });
  await accepted(server, 1);
  const next = { host: '127.0.0.2', port: server.address.port };
  const move = await server.prepareMigration({ protocol: 'explicit', address: next });
  await move.completed({ address: next });
  unsubscribe('node-mvfst:migration', onMigration);
  unsubscribe('node-mvfst:server-migration', onStep);
  expect(told).toEqual({ client: ['announced', 'probing', 'completed'], server: ['announcing', 'ready', 'switching', 'completed'] });
  expect(steps).toEqual(['preparing', 'prepared', 'switching', 'completed']);
  const { migrations } = await client.stats();
  expect(migrations).toEqual({ announced: 1, probed: 1, reverted: 0, completed: 1, failed: 0, downtime: expect.any(Number) as number });
  const [accepting] = [...server.connections];
  expect((await accepting?.stats())?.migrations).toMatchObject({ announced: 1, completed: 1, failed: 0 });
  expect(server.stats().migrations).toEqual({ announced: 1, ready: 1, completed: 1, failed: 0 });
});

test('a client that did not negotiate is served until the move, then closed', async () => {
  await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
  answers(server);
  await using mover = await dial(server, { serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive' } });
  const stayer = await dial(server);
  await accepted(server, 2);
  const next = { host: '127.0.0.2', port: server.address.port };
  const move = await server.prepareMigration({ protocol: 'explicit', address: next });
  expect(move.outcomes.map(({ status }) => status).sort()).toEqual(['excluded', 'ready']);
  expect(move.outcomes.find(({ status }) => status === 'excluded')).toMatchObject({ error: { code: 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED' } });
  const stream = await stayer.openStream();
  stream.end('still');
  expect(await text(stream)).toBe('STILL');
  await move.completed({ address: next });
  expect(await rejection(stayer.closed)).toMatchObject({ initiator: 'remote' });
  expect(mover.path.peer.host).toBe('127.0.0.2');
});

test('handshakes wait for the move, and work after it; a cancelled move lets them go on', async () => {
  await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
  {
    await using move = await server.prepareMigration({ protocol: 'explicit', address: { host: '127.0.0.2', port: server.address.port } });
    expect(move.outcomes).toEqual([]);
    expect(await rejection(dial(server, { handshakeTimeout: 300 }))).toMatchObject({ code: expect.stringMatching(/ERR_QUIC_(?:REFUSED|HANDSHAKE_TIMEOUT)/) });
  }
  await using connection = await dial(server);
  expect(connection.alpn).toBe('test');
});

test('a new address that cannot be bound rejects, and the old one works on', async () => {
  await using server = await serve({ serverMigration: { protocols: ['symmetric'] } });
  answers(server);
  await using connection = await dial(server, { serverMigration: { protocols: ['symmetric'] } });
  await accepted(server, 1);
  await using move = await server.prepareMigration({ protocol: 'symmetric' });
  expect(await rejection(move.completed({ address: '192.0.2.1:1' }))).toMatchObject({ code: 'ERR_QUIC_BIND' });
  const stream = await connection.openStream();
  stream.end('here');
  expect(await text(stream)).toBe('HERE');
});

test('an address that the policy of the client refuses ends the connection', async () => {
  await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
  await using connection = await dial(server, { serverMigration: { protocols: ['explicit'] } });
  await accepted(server, 1);
  const closed = rejection(connection.closed);
  server.prepareMigration({ protocol: 'explicit', address: '224.0.0.1:4433' }).catch(() => undefined);
  expect(await closed).toMatchObject({ code: 'ERR_QUIC_MIGRATION_ADDRESS_REFUSED' });
});
