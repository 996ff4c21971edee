// What may be said to a server while it runs, what it tells, and what it lets go of, with the real addon on loopback.
import { randomBytes } from 'node:crypto';
import { type RemoteInfo, createSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type DatagramOutcome, type QuicConnection, type QuicError, type QuicServer, type SocketAddress } from '../../../lib/index.js';
import { rejection } from '../support/fixtures.js';
import { accepted, dial, echo, echoes, pair, serve } from '../support/real.js';

async function ask(connection: QuicConnection, question: string): Promise<string> {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The last session of a connection, which was used. */
async function sessionFrom(server: QuicServer): Promise<Uint8Array> {
  await using client = await dial(server);
  const sessions: Uint8Array[] = [];
  client.on('session', (session) => sessions.push(session));
  await ask(client, 'hello');
  while (sessions.length < 3) await turn(); // two tickets and a token
  return sessions.at(-1) as Uint8Array;
}

async function resumes(server: QuicServer, session: Uint8Array): Promise<boolean> {
  await using client = await dial(server, { session });
  return client.handshake.isResumed;
}

describe.each([0, 2])('a server with %i workers', (workers) => {
  test('that is drained takes nobody more, and serves until the last one goes', async () => {
    const server = await serve({ workers });
    echoes(server);
    const client = await dial(server);
    await accepted(server, 1);
    const { address } = server;
    const drained = server.drain();
    expect(await rejection(dial(server))).toMatchObject({ code: 'ERR_QUIC_REFUSED' });
    expect(await ask(client, 'still')).toBe('still');
    await client.close();
    await drained;
    await using next = await serve({ address });
    expect(next.address).toEqual(address);
  });

  test('that is drained can still be moved', async () => {
    await using server = await serve({ workers, serverMigration: { protocols: ['explicit'] } });
    echoes(server);
    const client = await dial(server, { serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive' } });
    await accepted(server, 1);
    const drained = server.drain();
    const next = { host: '127.0.0.2', port: server.address.port };
    const move = await server.prepareMigration({ protocol: 'explicit', address: next });
    expect(await move.completed({ address: next })).toMatchObject([{ status: 'migrated' }]);
    expect(await rejection(dial(server))).toMatchObject({ code: 'ERR_QUIC_REFUSED' });
    expect(await ask(client, 'there')).toBe('there');
    await client.close();
    await drained;
  });

  test('asks clients for a proof of their address as long as it is told to', async () => {
    await using server = await serve({ workers, validateAddress: 'never' });
    const isAsked = async (): Promise<boolean> => {
      let log = '';
      await using client = await dial(server, { qlog: (records) => (log += records) });
      await client.handshakeComplete;
      return log.includes('"packet_type":"retry"');
    };
    expect(await isAsked()).toBe(false);
    server.setAddressValidation('always');
    expect(await isAsked()).toBe(true);
    // Under load from the second handshake on: one alone is no load.
    server.setAddressValidation({ handshakes: 2 });
    expect(await isAsked()).toBe(false);
    server.setAddressValidation({ handshakesPerSource: 1, handshakes: 1 });
    server.setAddressValidation('never');
    expect(await isAsked()).toBe(false);
  });

  test('knows tickets of the secrets that it has now', async () => {
    const [old, young] = [randomBytes(32), randomBytes(32)] as const;
    await using server = await serve({ workers, secrets: [old] });
    echoes(server);
    const session = await sessionFrom(server);
    expect(await resumes(server, session)).toBe(true);
    server.setSecrets([young, old]);
    expect(await resumes(server, session)).toBe(true);
    const younger = await sessionFrom(server);
    server.setSecrets([young]);
    expect(await resumes(server, session)).toBe(false);
    expect(await resumes(server, younger)).toBe(true);
  });

  test('tells whose attempt came to nothing', async () => {
    await using server = await serve({ workers, alpn: ['one'] });
    const refused = once(server, 'refused') as Promise<[QuicError, SocketAddress]>;
    const heard: { readonly peer?: SocketAddress }[] = [];
    const onRefused = (message: unknown): void => void heard.push(message as { readonly peer?: SocketAddress });
    subscribe('node-mvfst:connection:refused', onRefused);
    expect(await rejection(dial(server, { alpn: ['two'], localAddress: '127.0.0.5:0' }))).toMatchObject({ code: 'ERR_QUIC_ALPN' });
    const [error, peer] = await refused;
    unsubscribe('node-mvfst:connection:refused', onRefused);
    expect(error).toMatchObject({ code: 'ERR_QUIC_ALPN' });
    expect(peer).toMatchObject({ family: 'IPv4', host: '127.0.0.5' });
    expect(heard).toMatchObject([{ server, error, peer }]);
  });
});

test('a datagram whose lifetime ends before it can leave is never sent', async () => {
  const limits = { datagramSize: 65_535 };
  await using both = await pair({ limits }, { limits });
  const { client } = both;
  const outcomes: DatagramOutcome[] = [];
  const payload = Buffer.alloc(client.datagrams.maxSize);
  let count = 0;
  // More than the first window takes; it leaves, then nothing runs until the rest is too old.
  while (client.datagrams.send(payload, { lifetime: 5, settled: (outcome) => outcomes.push(outcome) })) count++;
  process.nextTick(() =>
    queueMicrotask(() => {
      const late = performance.now() + 30;
      while (performance.now() < late);
    }),
  );
  while (outcomes.length < count) await turn();
  expect(new Set(outcomes)).toEqual(new Set(['acknowledged', 'expired']));
});

test.each([true, false])('the QUIC bit is drawn at random where both ends want it so: %p', async (greaseQuicBit) => {
  await using server = await serve({ greaseQuicBit });
  echoes(server);
  const relay = createSocket('udp4').bind(0, '127.0.0.1');
  await once(relay, 'listening');
  let client: RemoteInfo | undefined;
  const bits = new Set<number>();
  relay.on('message', (datagram, from) => {
    const isFromServer = from.port === server.address.port;
    if (!isFromServer) client = from;
    if ((datagram.readUInt8(0) & 0x80) === 0) bits.add(datagram.readUInt8(0) & 0x40);
    const to = isFromServer ? client : server.address;
    if (to !== undefined) relay.send(datagram, to.port, 'host' in to ? to.host : to.address);
  });
  const connection = await dial({ ...server, address: { family: 'IPv4', host: '127.0.0.1', port: relay.address().port } } as QuicServer, { greaseQuicBit });
  for (let n = 0; n < 20; n++) expect(await ask(connection, String(n))).toBe(String(n));
  // The server has heard of the end before the way between the two goes.
  await connection.close();
  while (server.connections.size > 0) await turn();
  relay.close();
  expect([...bits].sort((a, b) => a - b)).toEqual(greaseQuicBit ? [0, 0x40] : [0x40]);
});

test.each([false, true])('a client that has moved lets go of the port that it began on (on a thread of its own: %p)', async (threaded) => {
  await using both = await pair({}, { threaded, localAddress: '127.0.0.6:0' });
  echo(both.accepted);
  const { client } = both;
  expect(await ask(client, 'here')).toBe('here');
  const { local } = client.path;
  await using other = await dial(both.server, { threaded, localAddress: '127.0.0.6:0' });
  expect(other.path.local.port).toBe(local.port);
  expect(await ask(client, 'there')).toBe('there');
  await client.migrate({ localAddress: '127.0.0.6:0' });
  await other.migrate({ localAddress: '127.0.0.6:0' });
  const isFree = async (): Promise<boolean> => {
    const socket = createSocket('udp4');
    try {
      socket.bind(local.port, local.host);
      await once(socket, 'listening');
      return true;
    } catch {
      return false;
    } finally {
      socket.close();
    }
  };
  // What is still on its way to the old port is waited for.
  while (!(await isFree())) expect(await ask(client, 'more')).toBe('more');
  expect(await ask(client, 'on')).toBe('on');
  // Whoever begins there now has a socket of his own, and those that left go on moving.
  await using third = await dial(both.server, { threaded, localAddress: '127.0.0.6:0' });
  expect(third.path.local.port).not.toBe(client.path.local.port);
  const before = client.path.local.port;
  await client.migrate({ localAddress: '127.0.0.6:0' });
  expect(client.path.local.port).not.toBe(before);
  expect(await ask(client, 'again')).toBe('again');
});

test('a qlog that nobody wants is not made any more', async () => {
  let asked = 0;
  await using server = await serve({
    qlog: () => {
      asked++;
      return undefined;
    },
  });
  echoes(server);
  await using client = await dial(server);
  for (let n = 0; n < 10; n++) expect(await ask(client, String(n))).toBe(String(n));
  expect(asked).toBe(1);
});

describe('a server with a preferred address', () => {
  type Endpoint = { readonly host: string; readonly port: number };
  /** An address that was free a moment ago. */
  async function freeAddress(): Promise<Endpoint> {
    await using server = await serve({ address: '127.0.0.4:0' });
    return { host: '127.0.0.4', port: server.address.port };
  }
  async function preferring(preferredAddress: Endpoint): Promise<QuicServer> {
    const server = await serve({ preferredAddress, serverMigration: { protocols: ['explicit', 'symmetric'] } });
    echoes(server);
    return server;
  }
  async function at(client: QuicConnection, host: string): Promise<void> {
    while (client.path.peer.host !== host) await once(client, 'pathChanged');
  }

  test('moves with the clients that went there, and is still there for those that come later', async () => {
    const preferred = await freeAddress();
    await using server = await preferring(preferred);
    await using client = await dial(server, { serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive' } });
    await using stayer = await dial(server, { followPreferredAddress: false, serverMigration: { protocols: ['symmetric'] } });
    await accepted(server, 2);
    await at(client, preferred.host);
    expect(await ask(client, 'there')).toBe('there');
    const next = { host: '127.0.0.2', port: server.address.port };
    const move = await server.prepareMigration(({ serverMigration }) =>
      serverMigration?.protocols.has('explicit') === true ? { protocol: 'explicit', address: next } : { protocol: 'symmetric' },
    );
    expect((await move.completed({ address: next })).map(({ status }) => status)).toEqual(['migrated', 'migrated']);
    for (const connection of [client, stayer]) {
      expect(await ask(connection, 'moved')).toBe('moved');
      expect(connection.path.peer).toMatchObject(next);
    }
    await using newcomer = await dial(server);
    await at(newcomer, preferred.host);
    expect(await ask(newcomer, 'hello')).toBe('hello');
  });

  test('does not move to it: it is there already', async () => {
    const preferred = await freeAddress();
    await using server = await preferring(preferred);
    expect(await rejection(server.prepareMigration({ protocol: 'explicit', address: preferred }))).toMatchObject({
      code: 'ERR_QUIC_INVALID_ARGUMENT', message: expect.stringContaining('preferred address') as string,
    });
    const move = await server.prepareMigration({ protocol: 'symmetric' });
    expect(await rejection(move.completed({ address: preferred }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
    await move[Symbol.asyncDispose]();
  });
});
