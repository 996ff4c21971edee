// The verb connect on a native side without a network.
import { Client } from '../../lib/client.js';
import { type QuicConnection, type QuicError } from '../../lib/index.js';
import { RecordKind } from '../../lib/native.js';
import { FakeModule, openedRecord } from './support/FakeNative.js';
import { closedRecord, openClient, pem, rejection, settle } from './support/fixtures.js';

const options = { alpn: ['echo'], tls: { ca: pem } } as const;

function attempt(address: string, more: object = {}): { module: FakeModule; connecting: Promise<QuicConnection> } {
  const module = new FakeModule();
  const connecting = new Client(() => module).connect(address, { ...options, ...more });
  connecting.catch(() => undefined);
  return { module, connecting };
}

test('a literal address is used as it is, and the connection has what was negotiated', async () => {
  const { native, connection } = await openClient(1, {}, { ...openedRecord, certificate: Buffer.from('DER').toString('base64'), serverMigration: 5 });
  expect(connection).toMatchObject({ side: 'client', alpn: 'echo', path: { local: openedRecord.local, peer: openedRecord.peer } });
  expect(Buffer.from(connection.peerCertificate ?? []).toString()).toBe('DER');
  expect([...(connection.serverMigration?.protocols ?? [])]).toEqual(['explicit', 'symmetric']);
  expect(native.role).toBe('client');
});

test('without server migration or certificate there is none', async () => {
  const { connection } = await openClient();
  expect(connection.serverMigration).toBeUndefined();
  expect(connection.peerCertificate).toBeUndefined();
});

test('a name is resolved, and stays the name to verify', async () => {
  const { module } = attempt('localhost:443', { localAddress: '127.0.0.1:0' });
  for (let tries = 0; module.hosts.length === 0 && tries < 1000; tries++) await settle();
  expect(module.host.calls('connect')[0]?.[1]).toMatchObject({ host: '127.0.0.1', port: 443, serverName: 'localhost' });
});

test('a name that does not exist rejects with the cause, and nothing native is touched', async () => {
  const { module, connecting } = attempt('name.invalid:443');
  const error = await rejection(connecting);
  expect(error).toMatchObject({ code: 'ERR_QUIC_NAME_NOT_RESOLVED', cause: { syscall: 'getaddrinfo' } });
  expect(module.hosts).toHaveLength(0);
});

test('a failed handshake rejects with its error, with the stack of the call', async () => {
  async function applicationCode(): Promise<QuicError> {
    const module = new FakeModule();
    const connecting = new Client(() => module).connect('127.0.0.1:1', options);
    await settle();
    module.host.say({ kind: RecordKind.ConnectionClosed, connection: module.host.calls('connect')[0]?.[0] as number, json: closedRecord({ kind: 'local', name: 'PEER_UNREACHABLE' }) });
    return rejection(connecting) as Promise<QuicError>;
  }
  const error = await applicationCode();
  expect(error.code).toBe('ERR_QUIC_PEER_UNREACHABLE');
  expect(error.stack).toContain('applicationCode');
});

test('a clean close before the handshake is done rejects too', async () => {
  const { module, connecting } = attempt('127.0.0.1:1');
  await settle();
  module.host.say({ kind: RecordKind.ConnectionClosed, connection: module.host.calls('connect')[0]?.[0] as number, json: closedRecord() });
  expect(await rejection(connecting)).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
});

test('what the native side refuses rejects', async () => {
  const module = new FakeModule();
  const client = new Client(() => module);
  const first = client.connect('127.0.0.1:1', options);
  first.catch(() => undefined);
  await settle();
  module.host.throwAt.set('connect', Object.assign(new Error('bad key'), { code: 'ERR_QUIC_INVALID_CREDENTIALS' }));
  expect(await rejection(client.connect('127.0.0.1:1', options))).toMatchObject({ code: 'ERR_QUIC_INVALID_CREDENTIALS' });
});

describe('a signal', () => {
  test('that is aborted already rejects with its reason, and nothing is done', async () => {
    const { module, connecting } = attempt('127.0.0.1:1', { signal: AbortSignal.abort('why') });
    expect(await rejection(connecting)).toBe('why');
    expect(module.hosts).toHaveLength(0);
  });

  test('ends an attempt: the reason comes at once, and a late handshake is not seen', async () => {
    const controller = new AbortController();
    const { module, connecting } = attempt('127.0.0.1:1', { signal: controller.signal });
    await settle();
    controller.abort(new Error('enough'));
    expect(await rejection(connecting)).toMatchObject({ message: 'enough' });
    const native = module.host;
    const number = native.calls('connect')[0]?.[0] as number;
    expect(native.calls('closeConnection')).toEqual([[number, true, 0n, '']]);
    native.say({ kind: RecordKind.ConnectionOpened, connection: number, json: openedRecord });
    native.say({ kind: RecordKind.ConnectionClosed, connection: number, json: closedRecord({ initiator: 'local' }) });
    expect(native.names.at(-1)).toBe('unref');
  });

  test('ends the wait for a name', async () => {
    const controller = new AbortController();
    const { module, connecting } = attempt('localhost:1', { signal: controller.signal });
    controller.abort();
    expect(await rejection(connecting)).toMatchObject({ name: 'AbortError' });
    await settle();
    expect(module.hosts.every((native) => native.calls('connect').length === 0)).toBe(true);
  });

  test('is nothing to the connection once that is open, and nothing stays attached', async () => {
    const controller = new AbortController();
    const { native } = await openClient(1, { signal: controller.signal });
    controller.abort();
    await settle();
    expect(native.calls('closeConnection')).toEqual([]);
  });

  test('that is none is refused', async () => {
    expect(await rejection(attempt('127.0.0.1:1', { signal: {} }).connecting)).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });
});

test('the process is held only while there are connections', async () => {
  const { native, say } = await openClient();
  expect(native.names).toEqual([]);
  say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
  expect(native.names).toEqual(['unref']);
});

test('one host serves all connections of an environment, each with its own key log', async () => {
  const module = new FakeModule();
  const client = new Client(() => module);
  const lines: string[] = [];
  const connecting = [1, 2].map((n) => client.connect('127.0.0.1:1', { ...options, keylog: (line) => lines.push(`${n} ${line}`) }));
  for (const promise of connecting) promise.catch(() => undefined);
  await settle();
  expect(module.hosts).toHaveLength(1);
  const [first, second] = module.host.calls('connect').map(([number]) => number as number);
  module.host.say({ kind: RecordKind.KeyLog, connection: second ?? 0, bytes: Buffer.from('B') }, { kind: RecordKind.KeyLog, connection: first ?? 0, bytes: Buffer.from('A') });
  expect(lines).toEqual(['2 B', '1 A']);
});

test('a thread of its own is another host', async () => {
  const module = new FakeModule();
  const client = new Client(() => module);
  client.connect('127.0.0.1:1', options).catch(() => undefined);
  client.connect('127.0.0.1:1', { ...options, threaded: true }).catch(() => undefined);
  await settle();
  expect(module.hosts).toHaveLength(2);
});

test('when the environment ends every connection ends', async () => {
  const { native, connection } = await openClient();
  const closed = connection.closed;
  native.say({ kind: RecordKind.HostClosed });
  expect(await rejection(closed)).toMatchObject({ code: 'ERR_QUIC_SERVER_CLOSED' });
});
