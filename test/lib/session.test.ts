// Sessions, and verbs that are answered, on a native side without a network.
import { Client } from '../../lib/client.js';
import { type ConnectOptions } from '../../lib/index.js';
import { RecordKind } from '../../lib/native.js';
import { decodeSession, encodeSession } from '../../lib/session.js';
import { FakeModule, address, openedRecord } from './support/FakeNative.js';
import { closedRecord, openClient, openServer, rejection, settle } from './support/fixtures.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

async function startClient(options: Partial<ConnectOptions>) {
  const module = new FakeModule();
  const connecting = new Client(() => module).connect('127.0.0.1:4433', { alpn: ['echo'], ...options });
  connecting.catch(() => undefined);
  await settle();
  const number = module.host.calls('connect')[0]?.[0] as number;
  return { connecting, native: module.host, number, asked: module.host.calls('connect')[0]?.[1] as Record<string, unknown> };
}

describe('a session', () => {
  test('is told with its ticket, and again when a token comes', async () => {
    const { connection, say } = await openClient();
    const sessions: Uint8Array[] = [];
    connection.on('session', (session) => sessions.push(session));
    say({ kind: RecordKind.SessionTicket, bytes: bytes('ticket') });
    say({ kind: RecordKind.AddressToken, bytes: bytes('token') });
    expect(sessions.map(decodeSession)).toEqual([
      { ticket: bytes('ticket'), token: new Uint8Array(0) },
      { ticket: bytes('ticket'), token: bytes('token') },
    ]);
  });

  test('that comes before anybody listens waits, the newest only', async () => {
    const { connection, say } = await openClient();
    say({ kind: RecordKind.AddressToken, bytes: bytes('token') });
    say({ kind: RecordKind.SessionTicket, bytes: bytes('first') });
    say({ kind: RecordKind.SessionTicket, bytes: bytes('second') });
    const sessions: Uint8Array[] = [];
    connection.on('session', (session) => sessions.push(session));
    await settle();
    expect(sessions.map(decodeSession)).toEqual([{ ticket: bytes('second'), token: bytes('token') }]);
  });

  test('is nothing without a ticket, and nobody hears of one after the end', async () => {
    const { connection, say } = await openClient();
    const sessions: Uint8Array[] = [];
    connection.on('session', (session) => sessions.push(session));
    say({ kind: RecordKind.AddressToken, bytes: bytes('token') });
    expect(sessions).toEqual([]);
    connection.removeAllListeners('session');
    say({ kind: RecordKind.SessionTicket, bytes: bytes('late') });
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
    connection.on('session', (session) => sessions.push(session));
    await settle();
    expect(sessions).toEqual([]);
  });

  test('goes down with its parts, early data only when it is asked for', async () => {
    const session = encodeSession({ ticket: bytes('ticket'), token: bytes('token') });
    expect((await startClient({ session })).asked).toMatchObject({ session: bytes('ticket'), token: bytes('token'), earlyData: false });
    expect((await startClient({ session, earlyData: true })).asked).toMatchObject({ earlyData: true });
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['another format', bytes('\x02\0\0ticket')],
    ['a token longer than all', bytes('\x01\xff\xffx')],
    ['too much', new Uint8Array(70_000).fill(1)],
  ])('that is no session of ours (%s) is passed over', async (_what, session) => {
    const { asked } = await startClient({ session });
    expect(asked).not.toHaveProperty('session');
    expect(asked).not.toHaveProperty('token');
  });

  test('that is no bytes at all is refused', async () => {
    const connecting = new Client(() => new FakeModule()).connect('127.0.0.1:4433', { alpn: ['echo'], session: 'text' as never });
    expect(await rejection(connecting)).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });
});

describe('early data', () => {
  const early = { ...openedRecord, earlyData: 'pending', isResumed: true } as const;
  const open = async () => {
    const client = await startClient({ session: encodeSession({ ticket: bytes('t'), token: bytes('') }), earlyData: true });
    const say = (...records: object[]): void => client.native.say(...records.map((record) => ({ ...record, connection: client.number }) as never));
    say({ kind: RecordKind.EarlyDataReady, json: early }, { kind: RecordKind.StreamsAvailable, stream: 10, word: 0 });
    return { ...client, say, connection: await client.connecting };
  };

  test('lets streams be written before the handshake is complete', async () => {
    const { connection, native, number } = await open();
    expect(connection.handshake).toMatchObject({ earlyData: 'pending', isResumed: true });
    (await connection.openStream()).end('early');
    await settle();
    expect(native.calls('streamWrite')).toEqual([[number, 0, 'early', true]]);
  });

  test.each(['accepted', 'rejected'] as const)('that is %s is told by the handshake', async (earlyData) => {
    const { connection, say } = await open();
    const complete = connection.handshakeComplete;
    say({ kind: RecordKind.ConnectionOpened, json: { ...early, earlyData } });
    await complete;
    expect(connection.handshake.earlyData).toBe(earlyData);
  });

  test('of a handshake that fails rejects what waits for it, and fails the streams', async () => {
    const { connection, say } = await open();
    const stream = await connection.openStream();
    const complete = rejection(connection.handshakeComplete);
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'HANDSHAKE_TIMEOUT', initiator: 'local' }) });
    expect(await complete).toMatchObject({ code: 'ERR_QUIC_HANDSHAKE_TIMEOUT' });
    expect(stream.destroyed).toBe(true);
  });
});

test('without early data the handshake is complete from the beginning', async () => {
  const { connection } = await openClient();
  await connection.handshakeComplete;
  expect(connection.handshake).toEqual({ version: 1, cipher: 'TLS_AES_128_GCM_SHA256', isResumed: false, earlyData: 'none', serverName: undefined });
});

describe('verbs that are answered', () => {
  test('updateKeys resolves when the peer has followed', async () => {
    const { connection, native, number, say } = await openClient();
    const done = connection.updateKeys();
    await settle();
    const request = native.calls('updateKeys')[0]?.[1] as number;
    expect(native.calls('updateKeys')).toEqual([[number, request]]);
    say({ kind: RecordKind.Answer, stream: 1, word: request });
    await expect(done).resolves.toBeUndefined();
  });

  test('updateKeys that comes too early rejects with its code', async () => {
    const { connection, native, say } = await openClient();
    const done = connection.updateKeys();
    await settle();
    const no = closedRecord({ kind: 'local', name: 'KEY_UPDATE_NOT_READY', initiator: 'local' });
    say({ kind: RecordKind.Answer, json: no, stream: 0, word: native.calls('updateKeys')[0]?.[1] as number });
    expect(await rejection(done)).toMatchObject({ code: 'ERR_QUIC_KEY_UPDATE_NOT_READY' });
  });

  test('exportKeyingMaterial gives the bytes', async () => {
    const { connection, native, number, say } = await openClient();
    const exported = connection.exportKeyingMaterial(3, 'label', bytes('context'));
    await settle();
    const [asked] = native.calls('exportKeyingMaterial');
    expect(asked).toEqual([number, asked?.[1], 'label', 'context', 3]);
    say({ kind: RecordKind.Answer, stream: 1, word: asked?.[1] as number, bytes: bytes('key') });
    expect(await exported).toEqual(bytes('key'));
  });

  test.each([[0, 'label'], [256, 'label'], [1.5, 'label'], [32, '']])('exportKeyingMaterial(%p, %p) is refused', async (length, label) => {
    const { connection } = await openClient();
    expect(await rejection(connection.exportKeyingMaterial(length, label))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });

  test('migrate resolves with the new path', async () => {
    const { connection, native, number, say } = await openClient();
    const moved = connection.migrate({ localAddress: '127.0.0.2:0' });
    await settle();
    const [asked] = native.calls('migrate');
    expect(asked).toEqual([number, asked?.[1], { host: '127.0.0.2', port: 0 }, true]);
    const path = { local: address('127.0.0.2', 6000), peer: address('127.0.0.1', 4433) };
    say({ kind: RecordKind.Answer, stream: 1, word: asked?.[1] as number, json: path });
    expect(await moved).toEqual(path);
  });

  test.each([
    ['without an address', {}],
    ['with a name', { localAddress: 'example.com:1' }],
    ['with an option that does not exist', { localAddress: '127.0.0.1:0', probing: true }],
  ])('migrate %s is refused', async (_what, options) => {
    const { connection } = await openClient();
    expect(await rejection(connection.migrate(options as never))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });
});

describe('streams', () => {
  test('are given a priority when they are opened, and later', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream({ priority: { urgency: 1 } });
    stream.setPriority({ incremental: false });
    expect(native.calls('streamPriority')).toEqual([[number, 0, 1, true], [number, 0, 3, false]]);
  });

  test('refuse a priority that does not exist, and spend no stream', async () => {
    const { connection } = await openClient();
    expect(await rejection(connection.openStream({ priority: { urgency: 8 } }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
    expect((await connection.openStream()).id).toBe(0n);
  });

  test('reset after what was written when asked to', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openUnidirectionalStream();
    stream.write('12345');
    stream.resetStream(9, { deliverWritten: true });
    expect(native.calls('streamResetAt')).toEqual([[number, 2, 9n, 5]]);
    expect(native.calls('streamReset')).toEqual([]);
  });
});

describe('qlog', () => {
  test('goes to the sink of its connection', async () => {
    const records: string[] = [];
    const { say } = await openClient(100, { qlog: (text) => void records.push(text) });
    say({ kind: RecordKind.Qlog, bytes: bytes('\x1e{}\n') });
    expect(records).toEqual(['\x1e{}\n']);
  });

  test('of a server asks once for a sink for each connection', async () => {
    const asked: string[] = [];
    const records: string[] = [];
    const { native } = await openServer({
      qlog: ({ id }) => {
        asked.push(id);
        return asked.length === 1 ? (text) => void records.push(text) : undefined;
      },
    });
    for (const connection of [1, 1, 2]) native.say({ kind: RecordKind.Qlog, connection, bytes: bytes(`${connection}`) });
    expect(asked).toHaveLength(2);
    expect(records).toEqual(['1', '1']);
    // Where nobody wants it, it is not made any more.
    expect(native.calls('stopQlog')).toEqual([[2]]);
  });
});
