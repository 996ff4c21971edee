// Streams on a native side without a network: what each act of the application commands, and what each fact becomes.
import { finished, pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { kCreditPiece, kHighMark } from '../../lib/channel.js';
import { QuicError, QuicReceiveStream, QuicSendStream, QuicStream } from '../../lib/index.js';
import { RecordKind } from '../../lib/native.js';
import { type ClientFixture, closedRecord, closing, openClient, rejection, settle } from './support/fixtures.js';

const data = (stream: number, text: string | Buffer, word: 0 | 1 = 0) => ({ kind: RecordKind.StreamData, stream, bytes: Buffer.from(text), word });

/** The first stream of each kind that the server opens. */
const kFromServer = 1;
const kOneWayFromServer = 3;

async function incoming(fixture: ClientFixture, stream: number): Promise<QuicStream | QuicReceiveStream> {
  fixture.say({ kind: RecordKind.StreamOpened, stream });
  for await (const one of fixture.connection.incomingStreams) return one;
  throw new Error('no stream');
}

describe('opening', () => {
  test('spends ids in order and tells nobody', async () => {
    const { connection, native } = await openClient();
    const ids = [await connection.openStream(), await connection.openStream()].map(({ id }) => id);
    const oneWay = [await connection.openUnidirectionalStream(), await connection.openUnidirectionalStream()].map(({ id }) => id);
    expect([ids, oneWay]).toEqual([[0n, 4n], [2n, 6n]]);
    expect(native.names).toEqual([]);
  });

  test('a stream used before those below it opens them first, once', async () => {
    const { connection, native, number } = await openClient();
    const [first, second, third] = [await connection.openStream(), await connection.openStream(), await connection.openStream()];
    third?.write('c');
    second?.write('b');
    first?.write('a');
    expect(native.calls('streamWrite')).toEqual([[number, 0, '', false], [number, 4, '', false], [number, 8, 'c', false], [number, 4, 'b', false], [number, 0, 'a', false]]);
  });

  test('waits for the peer, in order', async () => {
    const { connection, say } = await openClient(1);
    const opened: bigint[] = [];
    const all = [1, 2, 3].map(() => connection.openStream().then(({ id }) => opened.push(id)));
    await settle();
    expect(opened).toEqual([0n]);
    say({ kind: RecordKind.StreamsAvailable, stream: 3 }, { kind: RecordKind.StreamsAvailable, stream: 2 });
    await Promise.all(all);
    expect(opened).toEqual([0n, 4n, 8n]);
  });

  test('aborted while it waits spends no id', async () => {
    const { connection, say } = await openClient(0);
    const controller = new AbortController();
    const aborted = connection.openStream({ signal: controller.signal });
    const next = connection.openStream();
    controller.abort('no');
    expect(await rejection(aborted)).toBe('no');
    say({ kind: RecordKind.StreamsAvailable, stream: 1 });
    expect((await next).id).toBe(0n);
  });

  test('fails with the connection, with the stack of the call', async () => {
    const { connection, say } = await openClient(0);
    async function theCaller(): Promise<unknown> {
      return rejection(connection.openStream());
    }
    const failed = theCaller();
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) });
    expect(await failed).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
    expect(await rejection(connection.openStream())).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
  });

  test('cannot be done with new', () => {
    // @ts-expect-error the constructor is private
    expect(() => new QuicStream()).toThrow();
  });
});

describe('writing', () => {
  test('end(bytes) is one command, FIN with the bytes', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream();
    stream.end('question');
    await finished(stream, { readable: false });
    expect(native.calls('streamWrite')).toEqual([[number, 0, 'question', true]]);
  });

  test('end() after bytes is FIN alone', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openUnidirectionalStream();
    stream.write('a');
    stream.end();
    await finished(stream);
    expect(native.calls('streamWrite')).toEqual([[number, 2, 'a', false], [number, 2, '', true]]);
    expect(native.calls('streamReset')).toEqual([]);
  });

  test('corked bytes leave together, with FIN', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream();
    stream.cork();
    stream.write('a');
    stream.write('b');
    stream.end('c');
    await finished(stream, { readable: false });
    expect(native.calls('streamWritev')).toEqual([[number, 0, ['a', 'b', 'c'], false]]);
    expect(native.calls('streamWrite')).toEqual([[number, 0, '', true]]);
  });

  test('end() of something that is no chunk throws and changes nothing', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream();
    stream.on('error', () => undefined);
    expect(() => stream.end(5)).toThrow('must be of type string');
    expect(native.names.filter((name) => name === 'streamWrite')).toEqual([]);
    expect(number).toBeGreaterThan(0);
  });

  test('commands of one turn leave with one flush', async () => {
    const { connection, native } = await openClient();
    const streams = await Promise.all([1, 2, 3].map(() => connection.openStream()));
    native.forget();
    for (const stream of streams) stream.end('x');
    await Promise.resolve().then(() => streams[0]?.connection.openStream());
    await settle();
    expect(native.calls('streamWrite')).toHaveLength(3);
    expect(native.calls('flush')).toHaveLength(1);
    expect(native.commands.at(-1)?.name).toBe('flush');
  });

  test('a writer waits at the high mark, until the native side has sent', async () => {
    const { connection, native, say } = await openClient();
    const stream = await connection.openStream();
    const piece = Buffer.alloc(kHighMark / 4);
    let taken = 0;
    for (let i = 0; i < 6; i++) stream.write(piece, () => taken++);
    await settle();
    expect(taken).toBe(3);
    expect(native.calls('streamWrite')).toHaveLength(4);
    say({ kind: RecordKind.StreamWritable, stream: 0 });
    await settle();
    expect(taken).toBe(6);
    expect(native.calls('streamWritev')).toHaveLength(1);
  });

  test('acknowledged resolves when the peer has everything, asked for before or after', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openStream();
    const early = stream.acknowledged;
    stream.end('x');
    await settle();
    say({ kind: RecordKind.StreamSendComplete, stream: 0 });
    await expect(early).resolves.toBeUndefined();
    await expect(stream.acknowledged).resolves.toBeUndefined();
  });

  test('acknowledged that nobody asked for, or that fails, is no unhandled rejection', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openStream();
    const { acknowledged } = stream;
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) });
    await settle();
    expect(await rejection(acknowledged)).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
    expect(await rejection(stream.acknowledged)).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
  });

  test('what the native side throws fails the write', async () => {
    const { connection, native } = await openClient();
    const stream = await connection.openStream();
    native.throwAt.set('streamWrite', Object.assign(new Error('gone'), { code: 'ERR_QUIC_STREAM_CLOSED' }));
    stream.write('x');
    expect(await rejection(finished(stream))).toMatchObject({ code: 'ERR_QUIC_INVALID_STATE' });
  });
});

describe('reading', () => {
  test('gives the bytes of the batch without a copy, then the end', async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kFromServer);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await settle();
    fixture.say(data(kFromServer, 'an'), data(kFromServer, 'swer', 1));
    await finished(stream, { writable: false });
    expect(Buffer.concat(chunks).toString()).toBe('answer');
    expect(chunks[0]?.buffer).toBe(chunks[1]?.buffer);
  });

  test('FIN can come alone', async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kOneWayFromServer);
    fixture.say(data(kOneWayFromServer, 'x'), data(kOneWayFromServer, '', 1));
    expect(await text(stream)).toBe('x');
  });

  test('not reading gives no credit; reading gives it back in large pieces', async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kFromServer);
    for (let i = 0; i < 4; i++) fixture.say(data(kFromServer, Buffer.alloc(kCreditPiece / 2)));
    await settle();
    expect(fixture.native.calls('streamConsume')).toEqual([]);
    stream.resume();
    await settle();
    expect(fixture.native.calls('streamConsume')).toEqual([[fixture.number, kFromServer, 2 * kCreditPiece]]);
  });

  test('a fast reader gives credit as it goes, not for each chunk, and none after FIN', async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kFromServer);
    stream.on('data', () => undefined);
    await settle();
    for (let i = 0; i < 8; i++) fixture.say(data(kFromServer, Buffer.alloc(kCreditPiece / 4)));
    expect(fixture.native.calls('streamConsume')).toEqual([[fixture.number, kFromServer, kCreditPiece], [fixture.number, kFromServer, kCreditPiece]]);
    fixture.native.forget();
    fixture.say(data(kFromServer, Buffer.alloc(2 * kCreditPiece), 1));
    await settle();
    expect(fixture.native.calls('streamConsume')).toEqual([]);
  });

  test('a loop that reaches the end leaves the writing half alone', async () => {
    const fixture = await openClient();
    const stream = (await incoming(fixture, kFromServer)) as QuicStream;
    fixture.say(data(kFromServer, 'question', 1));
    for await (const chunk of stream) expect(String(chunk)).toBe('question');
    stream.end('answer');
    await finished(stream);
    expect(fixture.native.calls('streamWrite')).toEqual([[fixture.number, kFromServer, 'answer', true]]);
    expect(fixture.native.calls('streamReset')).toEqual([]);
  });

  test('a loop that is left early destroys the stream', async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kFromServer);
    fixture.say(data(kFromServer, 'x'));
    for await (const chunk of stream) {
      expect(String(chunk)).toBe('x');
      break;
    }
    await settle();
    expect(fixture.native.names).toEqual(['streamStop', 'streamReset']);
    expect(stream.destroyed).toBe(true);
  });

  test('an echo by pipeline goes out as it comes in, and ends', async () => {
    const fixture = await openClient();
    const stream = (await incoming(fixture, kFromServer)) as QuicStream;
    const done = pipeline(stream, stream);
    fixture.say(data(kFromServer, 'hello'), data(kFromServer, '', 1));
    await done;
    expect(fixture.native.calls('streamWrite')).toEqual([[fixture.number, kFromServer, 'hello', false], [fixture.number, kFromServer, '', true]]);
  });

  test("an exception of a listener's does not lose what comes after it in the batch", async () => {
    const fixture = await openClient();
    const stream = await incoming(fixture, kFromServer);
    stream.once('data', () => {
      throw new Error("the application's");
    });
    await settle();
    const caught = new Promise((resolve) => jest.spyOn(process, 'nextTick').mockImplementationOnce((callback) => {
      try {
        callback();
      } catch (error) {
        resolve(error);
      }
    }));
    fixture.say(data(kFromServer, 'a'), { kind: RecordKind.StreamOpened, stream: 5 });
    expect(await caught).toMatchObject({ message: "the application's" });
    jest.restoreAllMocks();
    for await (const other of fixture.connection.incomingStreams) {
      expect(other.id).toBe(5n);
      break;
    }
  });
});

describe('codes', () => {
  test('destroy(error) resets and stops with the code of the error', async () => {
    const { connection, native, number } = await openClient();
    const stream = await connection.openStream();
    stream.on('error', () => undefined);
    stream.write('x');
    stream.destroy(new QuicError('no more', { wireCode: 0x10c }));
    await settle();
    expect(native.calls('streamStop')).toEqual([[number, 0, 0x10cn]]);
    expect(native.calls('streamReset')).toEqual([[number, 0, 0x10cn]]);
  });

  test('destroy() of a stream that was never used opens it to reset it, so that no id is lost', async () => {
    const { connection, native, number } = await openClient();
    (await connection.openStream()).destroy();
    await settle();
    expect(native.calls('streamWrite')).toEqual([[number, 0, '', false]]);
    expect(native.calls('streamReset')).toEqual([[number, 0, 0n]]);
  });

  test('the natural end of both halves resets nothing', async () => {
    const { connection, native, say } = await openClient();
    const stream = await connection.openStream();
    stream.resume().end('x');
    await settle();
    say(data(0, 'y', 1));
    await closing(stream);
    expect(native.names).toEqual(['streamWrite']);
  });

  test("the peer's reset fails the stream as a whole, with its code", async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openStream();
    stream.write('x');
    const error = closing(stream);
    say({ kind: RecordKind.StreamReset, stream: 0, code: 2n ** 40n + 7n });
    expect(await error).toMatchObject({ code: 'ERR_QUIC_STREAM_RESET', wireCode: 2n ** 40n + 7n, initiator: 'remote' });
    expect(native.calls('streamReset')).toEqual([[number, 0, 2n ** 40n + 7n]]);
    expect(native.calls('streamStop')).toEqual([]);
  });

  test("the peer's stop fails a stream that is written, and resets it with the same code", async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openUnidirectionalStream();
    stream.write('x');
    const error = closing(stream);
    say({ kind: RecordKind.StreamStopped, stream: 2, code: 9n });
    expect(await error).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED', wireCode: 9n });
    expect(native.calls('streamReset')).toEqual([[number, 2, 9n]]);
    expect(await rejection(stream.acknowledged)).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED', wireCode: 9n });
  });

  test("the peer's stop after end() leaves the answer readable", async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openStream();
    stream.end('long question');
    await settle();
    say({ kind: RecordKind.StreamStopped, stream: 0, code: 9n }, data(0, 'enough', 1));
    const chunks: string[] = [];
    for await (const chunk of stream) chunks.push(String(chunk));
    expect(chunks).toEqual(['enough']);
    expect(native.calls('streamReset')).toEqual([[number, 0, 9n]]);
  });

  test('a writer that waits at the high mark hears of a stop', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openUnidirectionalStream();
    const written = new Promise((resolve) => stream.write(Buffer.alloc(kHighMark), resolve));
    say({ kind: RecordKind.StreamStopped, stream: 2, code: 1n });
    expect(await written).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED' });
  });

  test('stopSending ends reading and leaves writing', async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openStream();
    stream.write('a');
    stream.stopSending(3);
    say(data(0, 'late'));
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    stream.end('b');
    await closing(stream);
    expect(chunks).toEqual([]);
    expect(native.calls('streamStop')).toEqual([[number, 0, 3n]]);
    expect(native.calls('streamWrite').at(-1)).toEqual([number, 0, 'b', true]);
    expect(native.calls('streamReset')).toEqual([]);
  });

  test('resetStream ends writing and leaves reading', async () => {
    const { connection, native, number, say } = await openClient();
    const stream = await connection.openStream();
    stream.write('a');
    stream.resetStream(4);
    say(data(0, 'answer', 1));
    const chunks: string[] = [];
    for await (const chunk of stream) chunks.push(String(chunk));
    expect(chunks).toEqual(['answer']);
    expect(native.calls('streamReset')).toEqual([[number, 0, 4n]]);
    expect(native.calls('streamWrite')).toEqual([[number, 0, 'a', false]]);
    expect(await rejection(stream.acknowledged)).toMatchObject({ code: 'ERR_QUIC_STREAM_RESET', wireCode: 4n, initiator: 'local' });
  });

  test('a receiving stream that stops shows its readers an end that came too early', async () => {
    const fixture = await openClient();
    const stream = (await incoming(fixture, kOneWayFromServer)) as QuicReceiveStream;
    const read = rejection(finished(stream));
    stream.stopSending(6n);
    expect(await read).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(fixture.native.calls('streamStop')).toEqual([[fixture.number, kOneWayFromServer, 6n]]);
  });

  test('a code out of range throws where it is given', async () => {
    const { connection } = await openClient();
    const stream = await connection.openStream();
    expect(() => stream.stopSending(-1)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
    expect(() => stream.resetStream(1n << 62n)).toThrow(QuicError);
  });
});

describe('split', () => {
  test('gives halves that live and die alone', async () => {
    const { connection, native, number, say } = await openClient();
    const { send, receive } = (await connection.openStream()).split();
    expect(send).toBeInstanceOf(QuicSendStream);
    expect(receive).toBeInstanceOf(QuicReceiveStream);
    const stopped = closing(send);
    say({ kind: RecordKind.StreamStopped, stream: 0, code: 5n }, data(0, 'answer', 1));
    expect(await stopped).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED' });
    const chunks: string[] = [];
    for await (const chunk of receive) chunks.push(String(chunk));
    expect(chunks).toEqual(['answer']);
    expect(native.calls('streamReset')).toEqual([[number, 0, 5n]]);
    expect(native.calls('streamStop')).toEqual([]);
  });

  test('keeps what came before it', async () => {
    const fixture = await openClient();
    const stream = (await incoming(fixture, kFromServer)) as QuicStream;
    fixture.say(data(kFromServer, 'a'), data(kFromServer, 'b', 1));
    const { receive, send } = stream.split();
    const chunks: string[] = [];
    for await (const chunk of receive) chunks.push(String(chunk));
    expect(chunks.join('')).toBe('ab');
    send.end('c');
    await finished(send);
    expect(fixture.native.names).toEqual(['streamWrite']);
  });

  test('comes too late after a write or a read, and only once', async () => {
    const { connection } = await openClient();
    const written = await connection.openStream();
    written.write('x');
    const split = await connection.openStream();
    split.split();
    for (const stream of [written, split]) expect(() => stream.split()).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_STATE' }));
  });
});

describe('the end of the connection', () => {
  const lost = { kind: RecordKind.ConnectionClosed, json: closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }) };

  test('fails every stream with the error of the connection, and nobody has to listen', async () => {
    const { connection, say } = await openClient();
    const streams = [await connection.openStream(), await connection.openUnidirectionalStream()];
    say(lost);
    await settle();
    for (const stream of streams) expect(stream.errored).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
    expect(await rejection(finished(streams[0] as QuicStream))).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
  });

  test('is told to those who listen', async () => {
    const { connection, say } = await openClient();
    const stream = await connection.openStream();
    const heard = new Promise((resolve) => stream.on('error', resolve));
    say(lost);
    expect(await heard).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT' });
  });

  test('leaves what is complete to be read', async () => {
    const fixture = await openClient();
    const stream = await fixture.connection.openStream();
    stream.end('question');
    const oneWay = await incoming(fixture, kOneWayFromServer);
    await settle();
    fixture.say(data(0, 'answer', 1), data(kOneWayFromServer, 'news', 1), { kind: RecordKind.ConnectionClosed, json: closedRecord() });
    await settle();
    for (const [one, text] of [[stream, 'answer'], [oneWay, 'news']] as const) {
      const chunks: string[] = [];
      for await (const chunk of one) chunks.push(String(chunk));
      expect(chunks).toEqual([text]);
    }
  });
});

describe('streams of the peer', () => {
  test('go to those who listen', async () => {
    const { connection, say } = await openClient();
    const heard: bigint[] = [];
    connection.on('stream', (stream) => heard.push(stream.id));
    say({ kind: RecordKind.StreamOpened, stream: 1 }, { kind: RecordKind.StreamOpened, stream: 3 });
    expect(heard).toEqual([1n, 3n]);
  });

  test('that wait go to whoever begins to listen', async () => {
    const { connection, say } = await openClient();
    say({ kind: RecordKind.StreamOpened, stream: 1 });
    const heard: bigint[] = [];
    connection.on('stream', (stream) => heard.push(stream.id));
    await settle();
    expect(heard).toEqual([1n]);
  });

  test('are given once each to several iterations, which end with the connection', async () => {
    const { connection, say } = await openClient();
    const seen: bigint[] = [];
    const loops = [1, 2].map(async () => {
      for await (const { id } of connection.incomingStreams) seen.push(id);
    });
    say(...[1, 5, 9, 13].map((stream) => ({ kind: RecordKind.StreamOpened, stream })));
    await settle();
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
    await Promise.all(loops);
    expect(seen).toEqual([1n, 5n, 9n, 13n]);
  });

  test('that are reset before they are taken are never seen, and wait nowhere', async () => {
    const { connection, say } = await openClient();
    for (let i = 0; i < 1000; i++) {
      const stream = 1 + 4 * i;
      say({ kind: RecordKind.StreamOpened, stream }, { kind: RecordKind.StreamReset, stream, code: 1n }, { kind: RecordKind.StreamClosed, stream });
    }
    say({ kind: RecordKind.StreamOpened, stream: 4001 });
    for await (const { id } of connection.incomingStreams) {
      expect(id).toBe(4001n);
      break;
    }
  });

  test('that are reset in the batch that brought them do no harm', async () => {
    const { connection, say } = await openClient();
    const taken = connection.incomingStreams[Symbol.asyncIterator]().next();
    say({ kind: RecordKind.StreamOpened, stream: 1 }, { kind: RecordKind.StreamReset, stream: 1, code: 1n });
    const { value } = (await taken) as { value: QuicStream };
    expect(await rejection(finished(value))).toMatchObject({ code: 'ERR_QUIC_STREAM_RESET' });
  });

  test('in one direction give their place to others only when they are taken', async () => {
    const fixture = await openClient();
    fixture.say({ kind: RecordKind.StreamOpened, stream: kOneWayFromServer }, data(kOneWayFromServer, 'x', 1));
    await settle();
    expect(fixture.native.calls('streamConsume')).toEqual([]);
    await fixture.connection.incomingStreams[Symbol.asyncIterator]().next();
    expect(fixture.native.calls('streamConsume')).toEqual([[fixture.number, kOneWayFromServer, 0]]);
  });

  test('beyond what may wait are refused', async () => {
    const { connection, native, say } = await openClient(1, { limits: { bidirectionalStreams: 1, unidirectionalStreams: 1 } });
    for (let i = 0; i < 1100; i++) say({ kind: RecordKind.StreamOpened, stream: kOneWayFromServer + 4 * i }, data(kOneWayFromServer + 4 * i, '', 1));
    await settle();
    say({ kind: RecordKind.StreamOpened, stream: 1 });
    await settle();
    expect(native.calls('streamReset')).toHaveLength(1);
    say({ kind: RecordKind.ConnectionClosed, json: closedRecord() });
    let taken = 0;
    for await (const { id } of connection.incomingStreams) if (id > 0n) taken++;
    expect(taken).toBe(1026);
  });

  test('that are complete when the connection ends are still given', async () => {
    const fixture = await openClient();
    fixture.say({ kind: RecordKind.StreamOpened, stream: kOneWayFromServer }, data(kOneWayFromServer, 'last words', 1), { kind: RecordKind.ConnectionClosed, json: closedRecord() });
    const words: string[] = [];
    for await (const stream of fixture.connection.incomingStreams) for await (const chunk of stream) words.push(String(chunk));
    expect(words).toEqual(['last words']);
  });
});

describe('disposal', () => {
  test('of a stream that was ended lets it arrive', async () => {
    const { connection, native } = await openClient();
    {
      await using stream = await connection.openUnidirectionalStream();
      stream.end('x');
    }
    expect(native.names).toEqual(['streamWrite']);
  });

  test('of a stream that was not resets it', async () => {
    const { connection, native } = await openClient();
    {
      await using stream = await connection.openStream();
      stream.write('x');
    }
    expect(native.names).toEqual(['streamWrite', 'streamStop', 'streamReset']);
  });
});
