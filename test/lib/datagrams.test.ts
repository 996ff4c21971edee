// Datagrams of a connection on a native side without a network.
import { RecordKind } from '../../lib/native.js';
import { closedRecord, openClient, rejection, settle } from './support/fixtures.js';

const limit = (size: number) => ({ kind: RecordKind.DatagramLimit, stream: size });
const received = (text: string) => ({ kind: RecordKind.DatagramReceived, bytes: Buffer.from(text) });

async function openWith(size: number, backlog?: number) {
  const fixture = await openClient(100, backlog === undefined ? {} : { limits: { datagramBacklog: backlog } });
  fixture.say(limit(size));
  return fixture;
}

describe('sending', () => {
  test('gives each datagram a number of its own', async () => {
    const { connection, native, number } = await openWith(1200);
    expect(connection.datagrams.send(Buffer.from('a'))).toBe(true);
    expect(connection.datagrams.send(Buffer.from('b'))).toBe(true);
    expect(native.calls('sendDatagram')).toEqual([[number, 0, 'a', false, 3, 0], [number, 1, 'b', false, 3, 0]]);
  });

  test.each([
    ['a payload that does not fit', 10, 11, 'ERR_QUIC_DATAGRAM_TOO_LARGE'],
    ['any payload when the peer takes none', 0, 0, 'ERR_QUIC_DATAGRAM_UNSUPPORTED'],
  ])('throws for %s, and sends nothing', async (_what, size, length, code) => {
    const { connection, native } = await openWith(size);
    expect(() => connection.datagrams.send(Buffer.alloc(length))).toThrow(expect.objectContaining({ code }));
    expect(native.calls('sendDatagram')).toEqual([]);
  });

  test('takes an empty payload', async () => {
    const { connection } = await openWith(1200);
    expect(connection.datagrams.send(new Uint8Array(0))).toBe(true);
  });

  test('throws for what is no Uint8Array', async () => {
    const { connection } = await openWith(1200);
    expect(() => connection.datagrams.send('text' as never)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
  });

  test('says false while too many wait, and takes more when they have left', async () => {
    const { connection, native, say } = await openWith(1200);
    let count = 0;
    while (connection.datagrams.send(Buffer.from('x'))) count++;
    expect(native.calls('sendDatagram')).toHaveLength(count);
    say({ kind: RecordKind.DatagramsLeft, stream: 1 });
    expect(connection.datagrams.send(Buffer.from('x'))).toBe(true);
    expect(connection.datagrams.send(Buffer.from('x'))).toBe(false);
  });

  test('says when it is sent, and how long it may wait', async () => {
    const { connection, native, number, say } = await openWith(1200);
    const outcomes: string[] = [];
    connection.datagrams.send(Buffer.from('a'), { urgency: 0, lifetime: 50, settled: (outcome) => outcomes.push(outcome) });
    expect(native.calls('sendDatagram')).toEqual([[number, 0, 'a', true, 0, 50]]);
    say({ kind: RecordKind.DatagramSettled, stream: 0, word: 2 });
    expect(outcomes).toEqual(['expired']);
  });

  test.each([
    [{ urgency: 8 }, '`urgency` must be an integer from 0 to 7, not 8'],
    [{ lifetime: -1 }, '`lifetime` must be an integer from 0 to 3600000, not -1'],
    [{ lifetme: 1 }, 'unknown option `lifetme`, did you mean `lifetime`?'],
    [{ settled: 1 }, '`settled` must be a function, not 1'],
  ])('refuses %p with help', async (options, message) => {
    const { connection, native } = await openWith(1200);
    expect(() => connection.datagrams.send(Buffer.from('a'), options as never)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT', message }));
    expect(native.calls('sendDatagram')).toEqual([]);
  });

  test('tells once what became of each', async () => {
    const { connection, say } = await openWith(1200);
    const outcomes: string[] = [];
    connection.datagrams.send(Buffer.from('a'), (outcome) => outcomes.push(`a ${outcome}`));
    connection.datagrams.send(Buffer.from('b'), (outcome) => outcomes.push(`b ${outcome}`));
    connection.datagrams.send(Buffer.from('c'));
    const settled = (stream: number, word: number) => ({ kind: RecordKind.DatagramSettled, stream, word });
    say(settled(1, 0), settled(0, 1), settled(2, 1), settled(0, 1));
    expect(outcomes).toEqual(['b lost', 'a acknowledged']);
  });

  test('throws once the connection is over', async () => {
    const { connection, say } = await openWith(1200);
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) });
    expect(() => connection.datagrams.send(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ERR_QUIC_IDLE_TIMEOUT' }));
  });
});

describe('receiving', () => {
  test('gives what came before anybody iterated, in order', async () => {
    const { connection, say } = await openWith(1200);
    say(received('a'), received('b'));
    const iterator = connection.datagrams[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('a');
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('b');
  });

  test('wakes who waits', async () => {
    const { connection, say } = await openWith(1200);
    const next = connection.datagrams[Symbol.asyncIterator]().next();
    say(received('late'));
    expect(Buffer.from((await next).value as Uint8Array).toString()).toBe('late');
  });

  test('drops the oldest for a slow reader, and counts it', async () => {
    const { connection, say } = await openWith(1200, 2);
    say(received('a'), received('b'), received('c'));
    const iterator = connection.datagrams[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe('b');
    expect(connection.datagrams.dropped).toBe(1n);
  });

  test('keeps a bounded backlog however long nobody reads', async () => {
    const { connection, say } = await openWith(1200, 4);
    for (let round = 0; round < 100; round++) say(...Array.from({ length: 100 }, (_, index) => received(`${round} ${index}`)));
    expect(connection.datagrams.dropped).toBe(9_996n);
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
    const rest: string[] = [];
    for await (const datagram of connection.datagrams) rest.push(Buffer.from(datagram).toString());
    expect(rest).toEqual(['99 96', '99 97', '99 98', '99 99']);
  });

  test('ends with the connection, for those who wait too', async () => {
    const { connection, say } = await openWith(1200);
    const next = connection.datagrams[Symbol.asyncIterator]().next();
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
    expect(await next).toEqual({ value: undefined, done: true });
  });

  test('a loop that is left leaves the rest to another', async () => {
    const { connection, say } = await openWith(1200);
    say(received('a'), received('b'));
    for await (const datagram of connection.datagrams) {
      expect(Buffer.from(datagram).toString()).toBe('a');
      break;
    }
    const next = await connection.datagrams[Symbol.asyncIterator]().next();
    expect(Buffer.from(next.value as Uint8Array).toString()).toBe('b');
  });

  test('who returned is given nothing any more', async () => {
    const { connection, say } = await openWith(1200);
    const left = connection.datagrams[Symbol.asyncIterator]();
    const waiting = left.next();
    await left.return?.();
    say(received('for the next'));
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(connection.datagrams.dropped).toBe(0n);
    expect((await connection.datagrams[Symbol.asyncIterator]().next()).done).toBe(false);
  });
});

test('requests of a connection that ends reject where they were made', async () => {
  const { connection, say } = await openClient();
  const asked = [connection.updateKeys(), connection.exportKeyingMaterial(32, 'label'), connection.stats()];
  await settle();
  say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) });
  for (const promise of asked) expect(await rejection(promise)).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
});
