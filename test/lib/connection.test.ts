// A connection's life on a native side without a network.
import { once } from 'node:events';
import { channel } from 'node:diagnostics_channel';
import { type ClientMigrationEvent, QuicError } from '../../lib/index.js';
import { RecordKind } from '../../lib/native.js';
import { address, openedRecord } from './support/FakeNative.js';
import { closedRecord, openClient, rejection, settle } from './support/fixtures.js';

const lost = { kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) };
const closedByUs = { kind: RecordKind.ConnectionClosed, json: closedRecord({ initiator: 'local' }) };

describe('closed', () => {
  test.each([
    ['a clean close by the peer', closedRecord()],
    ['NO_ERROR', closedRecord({ kind: 'transport', name: 'NO_ERROR' })],
  ])('resolves after %s', async (_what, json) => {
    const { connection, say } = await openClient();
    say({ kind: RecordKind.ConnectionClosed, json });
    await expect(connection.closed).resolves.toBeUndefined();
  });

  test("rejects with the peer's code and reason", async () => {
    const { connection, say } = await openClient();
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ wireCode: '7', reason: 'busy' }) });
    expect(await rejection(connection.closed)).toMatchObject({ code: 'ERR_QUIC_APPLICATION', wireCode: 7n, reason: 'busy', initiator: 'remote' });
  });

  test('that nobody looks at is no unhandled rejection, asked for before or after', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { connection, say } = await openClient();
    void connection.closed;
    say(lost);
    void connection.closed;
    await settle();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('rejects with what the application destroyed it with', async () => {
    const { connection, say } = await openClient();
    const error = new Error('mine');
    connection.destroy(error);
    say(closedByUs);
    expect(await rejection(connection.closed)).toBe(error);
  });
});

describe('close', () => {
  test('with no streams closes at once, with code and reason', async () => {
    const { connection, native, number, say } = await openClient();
    const done = connection.close({ code: 5, reason: 'bye' });
    expect(native.calls('closeConnection')).toEqual([[number, true, 5n, 'bye']]);
    say(closedByUs);
    await done;
    await connection.closed;
  });

  test('waits until the last stream is done', async () => {
    const { connection, native, say } = await openClient();
    const stream = await connection.openStream();
    const done = connection.close();
    expect(native.calls('closeConnection')).toEqual([]);
    stream.resume().end('x');
    say({ kind: RecordKind.StreamData, stream: 0, word: 1 }, { kind: RecordKind.StreamSendComplete, stream: 0 });
    expect(native.calls('closeConnection')).toEqual([]);
    say({ kind: RecordKind.StreamClosed, stream: 0 });
    expect(native.calls('closeConnection')).toHaveLength(1);
    say(closedByUs);
    await done;
  });

  test('takes no new streams, of either side', async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openStream();
    void connection.close().catch(() => undefined);
    expect(await rejection(connection.openStream())).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
    say({ kind: RecordKind.StreamOpened, stream: 1 });
    await settle();
    expect(native.calls('streamReset')).toEqual([[number, 1, 0n]]);
    expect(stream.destroyed).toBe(false);
  });

  test('is refused a stream that waits', async () => {
    const { connection } = await openClient(0);
    const waiting = rejection(connection.openStream());
    void connection.close().catch(() => undefined);
    expect(await waiting).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
  });

  test('rejects if the connection is lost first', async () => {
    const { connection, say } = await openClient();
    await connection.openStream();
    const done = rejection(connection.close());
    say(lost);
    expect(await done).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
  });

  test('of a connection that is over does nothing', async () => {
    const { connection, native, say } = await openClient();
    say(lost);
    await connection.close();
    expect(native.calls('closeConnection')).toEqual([]);
  });

  test('aborted closes at once and rejects with the reason', async () => {
    const { connection, native } = await openClient();
    await connection.openStream();
    const controller = new AbortController();
    const done = rejection(connection.close({ signal: controller.signal }));
    controller.abort('hurry');
    expect(await done).toBe('hurry');
    expect(native.calls('closeConnection')).toHaveLength(1);
  });

  test('checks its arguments', async () => {
    const { connection } = await openClient();
    expect(await rejection(connection.close({ code: -1 }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
    expect(await rejection(connection.close({ reason: 5 as never }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
    expect((await connection.openStream()).id).toBe(0n);
  });
});

describe('destroy', () => {
  test('sends the code and the reason of a QuicError, and fails streams with it at once', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream();
    const error = new QuicError('for us', { wireCode: 0x2a, reason: 'for the peer' });
    connection.destroy(error);
    expect(native.calls('closeConnection')).toEqual([[number, true, 0x2an, 'for the peer']]);
    await settle();
    expect(stream.errored).toBe(error);
    expect(native.calls('streamReset')).toEqual([]);
  });

  test("tells the peer nothing of another error's message", async () => {
    const { connection, native, number } = await openClient();
    connection.destroy(new Error('secret'));
    expect(native.calls('closeConnection')).toEqual([[number, true, 0n, '']]);
  });

  test('is for once; whatever is called after it is an error, and nothing native', async () => {
    const { connection, native } = await openClient();
    connection.destroy();
    connection.destroy();
    await settle();
    native.forget();
    expect(await rejection(connection.openStream())).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
    expect(await rejection(connection.stats())).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
    expect(native.names).toEqual([]);
  });

  test('facts that are under way then are dropped', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openStream();
    const events: string[] = [];
    stream.on('data', () => events.push('data'));
    connection.on('stream', () => events.push('stream'));
    connection.destroy();
    say({ kind: RecordKind.StreamData, stream: 0, bytes: Buffer.from('x') }, { kind: RecordKind.StreamOpened, stream: 1 }, closedByUs);
    await settle();
    expect(events).toEqual([]);
  });
});

describe('disposal', () => {
  test('delivers what was ended and resets the rest', async () => {
    const { connection, native, number, say } = await openClient();
    const [ended, open, oneWay] = [await connection.openStream(), await connection.openStream(), await connection.openUnidirectionalStream()];
    ended?.end('a');
    open?.write('b');
    oneWay?.end('c');
    await settle();
    const disposed = connection[Symbol.asyncDispose]();
    await settle();
    expect(native.calls('streamReset')).toEqual([[number, 4, 0n]]);
    expect(native.calls('streamStop')).toEqual([[number, 0, 0n], [number, 4, 0n]]);
    expect(native.calls('closeConnection')).toEqual([]);
    say(...[0, 2, 4].map((stream) => ({ kind: RecordKind.StreamClosed, stream })));
    expect(native.calls('closeConnection')).toHaveLength(1);
    say(closedByUs);
    await disposed;
  });

  test('never rejects', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openUnidirectionalStream();
    stream.end('a');
    const disposed = connection[Symbol.asyncDispose]();
    say(lost);
    await expect(disposed).resolves.toBeUndefined();
  });
});

describe('stats', () => {
  test('are answered one by one', async () => {
    const { connection, native, say } = await openClient();
    const both = [connection.stats(), connection.stats()];
    const [first, second] = native.calls('stats').map(([, request]) => request as number);
    say({ kind: RecordKind.Stats, word: second ?? 0, json: { bytesSent: 2, smoothedRtt: 1.5 } }, { kind: RecordKind.Stats, word: first ?? 0, json: { bytesSent: 2 ** 40 } });
    const [a, b] = await Promise.all(both);
    expect(a).toMatchObject({ bytesSent: 2n ** 40n, smoothedRtt: 0 });
    expect(b).toMatchObject({ bytesSent: 2n, smoothedRtt: 1.5 });
  });

  test('that never come reject with the connection', async () => {
    const { connection, say } = await openClient();
    const asked = rejection(connection.stats());
    say(lost);
    expect(await asked).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED', cause: { code: 'ERR_QUIC_IDLE_TIMEOUT' } });
  });
});

describe('server migration at a client', () => {
  const next = address('127.0.0.2', 4433);

  test('is told step by step, and the state follows', async () => {
    const { connection, say } = await openClient(1, {}, { ...openedRecord, serverMigration: 1 });
    const events: ClientMigrationEvent[] = [];
    const states: unknown[] = [];
    connection.on('migration', (event) => {
      events.push(event);
      states.push(connection.serverMigration?.state);
    });
    const step = (json: unknown) => ({ kind: RecordKind.Migration, json });
    say(
      step({ type: 'announced', protocol: 'explicit', address: next }),
      step({ type: 'probing', protocol: 'explicit', address: next }),
      { kind: RecordKind.PathChanged, json: { local: openedRecord.local, peer: next } },
      step({ type: 'completed', protocol: 'explicit', address: next, downtime: 12 }),
    );
    expect(events).toEqual([
      { type: 'announced', protocol: 'explicit', address: next },
      { type: 'probing', protocol: 'explicit', address: next },
      { type: 'completed', protocol: 'explicit', path: { local: openedRecord.local, peer: next }, downtime: 12 },
    ]);
    expect(states).toEqual(['announced', 'probing', 'idle']);
    expect(connection.path.peer).toEqual(next);
  });

  test('a path that changed is told', async () => {
    const { connection, say } = await openClient();
    const changed = once(connection, 'pathChanged');
    say({ kind: RecordKind.PathChanged, json: { local: next, peer: openedRecord.peer } });
    expect(await changed).toEqual([{ local: next, peer: openedRecord.peer }]);
  });

  test('probing by hand is for an announced address only', async () => {
    const { connection, native, number, say } = await openClient(1, {}, { ...openedRecord, serverMigration: 9 });
    const start = () => connection.serverMigration?.startProbing();
    expect(start).toThrow(expect.objectContaining({ code: 'ERR_QUIC_MIGRATION_INVALID_STATE' }));
    say({ kind: RecordKind.Migration, json: { type: 'announced', protocol: 'synchronized-symmetric' } });
    expect(start).toThrow(expect.objectContaining({ code: 'ERR_QUIC_MIGRATION_INVALID_STATE' }));
    say({ kind: RecordKind.Migration, json: { type: 'announced', protocol: 'explicit', address: next } });
    start();
    expect(native.calls('startProbing')).toEqual([[number]]);
  });
});

test('tracing hears of a connection, its moves and its end', async () => {
  const heard: string[] = [];
  const subscribe = (name: string) => channel(name).subscribe((message, at) => heard.push(`${String(at)} ${Object.keys(message as object).join()}`));
  ['node-mvfst:connection', 'node-mvfst:connection:closed', 'node-mvfst:migration'].forEach(subscribe);
  const { say } = await openClient(1, {}, { ...openedRecord, serverMigration: 1 });
  say({ kind: RecordKind.Migration, json: { type: 'expired' } }, lost);
  expect(heard).toEqual(['node-mvfst:connection connection', 'node-mvfst:migration connection,event', 'node-mvfst:connection:closed connection,error']);
});
