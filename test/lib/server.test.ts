// A server's life on a native side without a network.
import { once } from 'node:events';
import { CallSite } from '../../lib/errors.js';
import { type QuicConnection, QuicError, type QuicServer, thaw } from '../../lib/index.js';
import { RecordKind } from '../../lib/native.js';
import { listenWith } from '../../lib/server.js';
import { FakeModule, address, openedRecord } from './support/FakeNative.js';
import { accept, closedRecord, listenOptions, openServer, rejection, settle } from './support/fixtures.js';

async function next(server: QuicServer): Promise<QuicConnection> {
  for await (const connection of server) return connection;
  throw new Error('the server ended');
}
const over = (connection: number) => ({ kind: RecordKind.ConnectionClosed, connection, json: closedRecord({ initiator: 'local' }) });

describe('listen', () => {
  test('resolves with the address in use', async () => {
    const { server, native } = await openServer({ address: '127.0.0.1:0' });
    expect(server.address).toEqual(address('127.0.0.1', 4433));
    expect(native.calls('listen')[0]?.[0]).toMatchObject({ host: '127.0.0.1', port: 0, workers: 0 });
  });

  test.each([
    ['EADDRINUSE', 'ERR_QUIC_ADDRESS_IN_USE'],
    ['EADDRNOTAVAIL', 'ERR_QUIC_BIND'],
    ['ERR_QUIC_INVALID_CREDENTIALS', 'ERR_QUIC_INVALID_CREDENTIALS'],
  ])('%s rejects as %s, with address, cause and call, and releases the host', async (code, expected) => {
    const module = new FakeModule();
    module.listenError = Object.assign(new Error('no'), { code });
    const theVerb = (): Promise<QuicServer> => listenWith(() => module, listenOptions({ address: '127.0.0.1:7' }), new CallSite(theVerb));
    const theCall = (): Promise<QuicServer> => theVerb();
    const error = await rejection(theCall());
    expect(error).toMatchObject({ code: expected, cause: { code } });
    expect(error.message).toContain('127.0.0.1:7');
    expect(error.stack).toContain('theCall');
    expect(module.host.names).toEqual(['close']);
  });

  test('refuses options with help', async () => {
    const listening = listenWith(() => new FakeModule(), { ...listenOptions(), worker: 3 } as never, new CallSite(listenWith));
    expect(await rejection(listening)).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT', message: 'unknown option `worker`, did you mean `workers`?' });
  });
});

describe('connections', () => {
  test('wait for whoever iterates, once each', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    accept(native, 2);
    const [first, second] = [await next(server), await next(server)];
    expect([first?.path.peer.port, second?.path.peer.port]).toEqual([50001, 50002]);
    expect(first?.side).toBe('server');
    expect(first?.id).not.toBe(second?.id);
    expect(server.connections).toEqual(new Set([first, second]));
  });

  test('go to those who listen, also those that waited', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const ports: number[] = [];
    server.on('connection', ({ path }) => ports.push(path.peer.port));
    await settle();
    accept(native, 2);
    expect(ports).toEqual([50001, 50002]);
  });

  test('beyond the backlog are refused', async () => {
    const { server, native } = await openServer({ backlog: 1 });
    const refused = once(server, 'refused');
    accept(native, 1);
    accept(native, 2);
    expect(native.calls('closeConnection')).toEqual([[2, false, 2n, '']]);
    native.say({ kind: RecordKind.ConnectionClosed, connection: 2, json: closedRecord({ kind: 'transport', name: 'CONNECTION_REFUSED', wireCode: '2', initiator: 'local', peer: address('127.0.0.1', 50002) }) });
    expect(await refused).toEqual([expect.objectContaining({ code: 'ERR_QUIC_REFUSED' }), address('127.0.0.1', 50002)]);
    expect(server.stats()).toEqual({ connections: 1, accepted: 1n, refused: 1n, migrations: { announced: 0, ready: 0, completed: 0, failed: 0 } });
  });

  test('that end before they are taken are not given', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    native.say(over(1));
    accept(native, 2);
    expect((await next(server)).path.peer.port).toBe(50002);
    expect(server.stats()).toMatchObject({ connections: 1, accepted: 2n });
  });

  test('that fail in the handshake are told, and no error is thrown', async () => {
    const { server, native } = await openServer();
    const refused = once(server, 'refused');
    native.say({ kind: RecordKind.ConnectionClosed, connection: 9, json: closedRecord({ kind: 'transport', name: 'CRYPTO_ERROR', wireCode: '376' }) });
    expect(await refused).toEqual([expect.objectContaining({ code: 'ERR_QUIC_ALPN' }), undefined]);
  });

  test('may be told how many streams they have before their handshake is finished', async () => {
    const { server, native } = await openServer();
    native.say({ kind: RecordKind.StreamsAvailable, connection: 1, stream: 2 }, { kind: RecordKind.ConnectionOpened, connection: 1, json: openedRecord });
    const connection = await next(server);
    expect([(await connection.openStream()).id, (await connection.openStream()).id]).toEqual([1n, 5n]);
    expect(await rejection(connection.openStream({ signal: AbortSignal.timeout(1) }))).toMatchObject({ name: 'TimeoutError' });
  });

  test('open streams with the ids of a server', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const connection = await next(server);
    expect([(await connection.openStream()).id, (await connection.openUnidirectionalStream()).id]).toEqual([1n, 3n]);
    expect((await connection.openStream()).initiator).toBe('local');
  });
});

describe('drain', () => {
  test('refuses new connections, waits for those that there are, and releases the host', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const connection = await next(server);
    const drained = server.drain();
    expect(native.names).toEqual(['listen', 'beginShutdown']);
    accept(native, 2);
    expect(native.calls('closeConnection')).toEqual([[2, false, 2n, '']]);
    expect((await connection.openStream()).id).toBe(1n);
    native.say(over(1));
    expect(native.names.at(-1)).toBe('close');
    native.say({ kind: RecordKind.HostClosed });
    await drained;
  });

  test('gives what waits to be taken, then ends iterations', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    void server.drain();
    const taken: QuicConnection[] = [];
    for await (const connection of server) taken.push(connection);
    expect(taken).toHaveLength(1);
    expect(native.calls('closeConnection')).toEqual([]);
  });

  test('aborted destroys what is left; close() ends it politely', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const controller = new AbortController();
    const draining = rejection(server.drain({ signal: controller.signal }));
    void server.close();
    expect(native.calls('closeConnection')).toHaveLength(1);
    controller.abort('enough');
    expect(await draining).toBe('enough');
    expect(native.names.at(-1)).toBe('close');
  });

  test('of a server without connections releases it at once', async () => {
    const { server, native } = await openServer();
    void server.drain();
    expect(native.names).toEqual(['listen', 'beginShutdown', 'close']);
  });
});

test('all hosts of the environment are told that the process stood still, until they are closed', async () => {
  const { native } = await openServer();
  const other = await openServer();
  other.server.destroy();
  other.native.say({ kind: RecordKind.HostClosed });
  other.native.forget();
  thaw();
  thaw(1500);
  expect(native.calls('thaw')).toEqual([[0], [1500]]);
  expect(other.native.names).toEqual([]);
  expect(() => thaw(-1)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
});

describe('what may be changed while a server runs', () => {
  test('is whom it asks for a proof of address', async () => {
    const { server, native } = await openServer();
    server.setAddressValidation('always');
    server.setAddressValidation({ handshakes: 7 });
    expect(native.calls('setRetryPolicy')).toEqual([[{ validateAddress: 'always' }], [{ validateAddress: 'under-load', retryFrom: 7 }]]);
    expect(() => server.setAddressValidation('often' as never)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
  });

  test('are its secrets: keys are derived of them, as at the beginning', async () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const { server, native } = await openServer({ secrets: [first, second] });
    server.setSecrets([second, first]);
    const { ticketKeys, tokenKeys } = native.calls('listen')[0]?.[0] as { ticketKeys: Uint8Array[]; tokenKeys: Uint8Array[] };
    expect(native.calls('setSharedKeys')).toEqual([[{ ticketKeys: [...ticketKeys].reverse(), tokenKeys: [...tokenKeys].reverse() }]]);
    expect(() => server.setSecrets([] as never)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
    expect(() => server.setSecrets([Buffer.alloc(31)])).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
  });

  test('is nothing any more when it is closed', async () => {
    const { server } = await openServer();
    server.destroy();
    expect(() => server.setAddressValidation('never')).toThrow(expect.objectContaining({ code: 'ERR_QUIC_SERVER_CLOSED' }));
  });
});

describe('close', () => {
  test('refuses new connections, lets streams finish, releases the host', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const connection = await next(server);
    const stream = await connection.openStream();
    const closed = server.close();
    expect(native.calls('refuse')).toEqual([[true]]);
    accept(native, 2);
    expect(native.calls('closeConnection')).toEqual([[2, false, 2n, '']]);
    stream.end('x');
    native.say({ kind: RecordKind.StreamClosed, connection: 1, stream: Number(stream.id) });
    expect(native.calls('closeConnection').at(-1)).toEqual([1, true, 0n, '']);
    expect(native.names).not.toContain('close');
    native.say(over(1));
    expect(native.names.at(-1)).toBe('close');
    native.say({ kind: RecordKind.HostClosed });
    await closed;
    await server.closed;
    expect(server.address.port).toBe(4433);
  });

  test('ends iterations, and closes connections that nobody took', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    void server.close();
    expect(native.calls('closeConnection')).toEqual([[1, true, 0n, '']]);
    for await (const connection of server) throw new Error(connection.id);
    native.say(over(1), { kind: RecordKind.HostClosed });
    await server.closed;
  });

  test('aborted destroys what is left', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    await (await next(server)).openStream();
    const controller = new AbortController();
    const closed = rejection(server.close({ signal: controller.signal }));
    controller.abort('now');
    expect(await closed).toBe('now');
    expect(native.names.at(-1)).toBe('close');
    native.say({ kind: RecordKind.HostClosed });
    await server.closed;
  });

  test('twice, or after destroy, is the same close', async () => {
    const { server, native } = await openServer();
    const both = [server.close(), server.close()];
    native.say({ kind: RecordKind.HostClosed });
    await Promise.all(both);
    await server.close();
    server.destroy();
    expect(native.calls('close')).toHaveLength(1);
  });

  test('nothing is said to the application after it', async () => {
    const { server, native } = await openServer();
    const events: string[] = [];
    server.on('connection', () => events.push('connection'));
    server.on('refused', () => events.push('refused'));
    void server.close();
    native.say({ kind: RecordKind.HostClosed });
    accept(native, 5);
    await settle();
    expect(events).toEqual([]);
  });
});

describe('destroy', () => {
  test('closes every connection with the error, and rejects closed with it', async () => {
    const { server, native } = await openServer();
    accept(native, 1);
    const connection = await next(server);
    const error = new QuicError('over', { wireCode: 3, reason: 'over' });
    server.destroy(error);
    expect(native.names.slice(-2)).toEqual(['closeConnection', 'close']);
    expect(native.calls('closeConnection')).toEqual([[1, true, 3n, 'over']]);
    native.say({ kind: RecordKind.HostClosed });
    expect(await rejection(server.closed)).toBe(error);
    expect(await rejection(connection.closed)).toBe(error);
  });

  test('without an error is a clean end', async () => {
    const { server, native } = await openServer();
    server.destroy();
    native.say({ kind: RecordKind.HostClosed });
    await expect(server.closed).resolves.toBeUndefined();
  });
});

test('disposal closes what is open, whatever its streams do', async () => {
  const { server, native } = await openServer();
  accept(native, 1);
  (await (await next(server)).openStream()).write('never ended');
  const disposed = server[Symbol.asyncDispose]();
  await settle();
  expect(native.calls('streamReset')).toEqual([[1, 1, 0n]]);
  native.say({ kind: RecordKind.StreamClosed, connection: 1, stream: 1 });
  native.say(over(1));
  native.say({ kind: RecordKind.HostClosed });
  await disposed;
});

test('the key log of all connections comes to the server', async () => {
  const lines: string[] = [];
  const { native } = await openServer({ keylog: (line) => lines.push(line) });
  native.say({ kind: RecordKind.KeyLog, connection: 77, bytes: Buffer.from('CLIENT_RANDOM x') });
  expect(lines).toEqual(['CLIENT_RANDOM x']);
});
