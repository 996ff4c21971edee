// Handshake, streams and bytes with the real addon on loopback. Loopback loses nothing and reorders little: what loss does is
// for the simulator.
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { type QuicReceiveStream, type QuicStream } from '../../../lib/index.js';
import { clientTls, dial, echoes, nextStream, pair, pattern, pemOf, serve, serverTls } from '../support/real.js';

async function ask(connection: { openStream(): Promise<QuicStream> }, question: string): Promise<string> {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

describe.each([
  { workers: 0, threaded: false },
  { workers: 1, threaded: false },
  { workers: 2, threaded: true },
])('with $workers workers, client on a thread of its own: $threaded', ({ workers, threaded }) => {
  test('a question is answered', async () => {
    await using server = await serve({ workers });
    echoes(server);
    await using client = await dial(server, { threaded });
    expect(client.alpn).toBe('test');
    expect(client.path.peer).toEqual(server.address);
    expect(await ask(client, 'hello')).toBe('hello');
  });

  test('a hundred streams at a time each get their own answer', async () => {
    await using server = await serve({ workers });
    echoes(server);
    await using client = await dial(server, { threaded });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(client, `question ${n}`)));
    expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => `question ${n}`));
  });

  test('more streams than the peer allows at a time wait their turn', async () => {
    await using server = await serve({ workers, limits: { bidirectionalStreams: 7 } });
    echoes(server);
    await using client = await dial(server, { threaded });
    const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => ask(client, String(n))));
    expect(new Set(answers).size).toBe(300);
  });

  test('several megabytes arrive whole, both ways at once', async () => {
    await using server = await serve({ workers });
    echoes(server);
    await using client = await dial(server, { threaded });
    const bytes = pattern(8 * 1024 * 1024);
    const stream = await client.openStream();
    const pieces = Array.from({ length: 128 }, (_, n) => bytes.subarray(n * 65_536, (n + 1) * 65_536));
    const [, answer] = await Promise.all([pipeline(Readable.from(pieces), stream), buffer(stream)]);
    expect(answer.equals(bytes)).toBe(true);
    await stream.acknowledged;
  });

  test('ten connections at a time', async () => {
    await using server = await serve({ workers });
    echoes(server);
    const clients = await Promise.all(Array.from({ length: 10 }, () => dial(server, { threaded })));
    expect(await Promise.all(clients.map((client, n) => ask(client, String(n))))).toEqual(clients.map((_, n) => String(n)));
    expect(server.stats()).toMatchObject({ connections: 10, accepted: 10n, refused: 0n });
    await Promise.all(clients.map((client) => client.close()));
  });
});

test('IPv6', async () => {
  await using server = await serve({ address: '[::1]:0' });
  echoes(server);
  await using client = await dial(server);
  expect(client.path.peer).toMatchObject({ family: 'IPv6', host: '::1' });
  expect(await ask(client, 'six')).toBe('six');
});

test('a name is resolved, and verified', async () => {
  await using server = await serve();
  await using client = await dial(server, { serverName: 'localhost' });
  expect(client.path.peer.port).toBe(server.address.port);
});

test('a local address is used', async () => {
  await using server = await serve();
  await using client = await dial(server, { localAddress: '127.0.0.3:0' });
  expect(client.path.local.host).toBe('127.0.0.3');
});

test("a client's certificate is asked for, verified and shown", async () => {
  await using both = await pair({ tls: { ...serverTls, clientCa: pemOf('ca.pem') } }, { tls: { ...clientTls, cert: pemOf('client.pem'), key: pemOf('client.key') } });
  const { X509Certificate } = await import('node:crypto');
  expect(new X509Certificate(both.accepted.peerCertificate ?? '').subject).toContain('client');
  expect(new X509Certificate(both.client.peerCertificate ?? '').checkIP('127.0.0.1')).toBe('127.0.0.1');
});

test('one way, from either side', async () => {
  await using both = await pair();
  for (const [from, to] of [[both.client, both.accepted], [both.accepted, both.client]] as const) {
    const send = await from.openUnidirectionalStream();
    send.end('news');
    const receive = await nextStream<QuicReceiveStream>(to);
    expect(await text(receive)).toBe('news');
    expect(receive.id).toBe(send.id);
    await send.acknowledged;
  }
});

test('a stream that the server opens is answered by the client', async () => {
  await using both = await pair();
  const asked = ask(both.accepted, 'who are you?');
  const stream = await nextStream<QuicStream>(both.client);
  expect(stream.initiator).toBe('remote');
  expect(await text(stream)).toBe('who are you?');
  stream.end('a client');
  expect(await asked).toBe('a client');
});

test('the answer can follow long after the end of the question', async () => {
  await using both = await pair();
  const stream = await both.client.openStream();
  stream.end('question');
  const other = await nextStream<QuicStream>(both.accepted);
  expect(await text(other)).toBe('question');
  other.write('first ');
  await stream.acknowledged;
  other.end('second');
  expect(await text(stream)).toBe('first second');
});

test('an empty stream has an end', async () => {
  await using both = await pair();
  const stream = await both.client.openStream();
  stream.end();
  const other = await nextStream<QuicStream>(both.accepted);
  other.end();
  expect(await text(other)).toBe('');
  expect(await text(stream)).toBe('');
});

test('streams used in another order than they were opened', async () => {
  await using both = await pair();
  both.accepted.on('stream', (stream) => void pipeline(stream, stream as QuicStream).catch(() => undefined));
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => both.client.openStream()));
  third?.end('3');
  expect(await text(third as QuicStream)).toBe('3');
  first?.end('1');
  second?.destroy();
  expect(await text(first as QuicStream)).toBe('1');
  expect(await ask(both.client, '4')).toBe('4');
});

test('stats tell of what was sent', async () => {
  await using both = await pair();
  const stream = await both.client.openUnidirectionalStream();
  stream.end(Buffer.alloc(100_000));
  await stream.acknowledged;
  const stats = await both.client.stats();
  expect(stats.bytesSent).toBeGreaterThan(100_000n);
  expect(stats.packetsSent).toBeGreaterThan(50n);
  expect(stats.smoothedRtt).toBeGreaterThan(0);
});

test('the key log of both sides names the same secrets', async () => {
  const lines: Record<'client' | 'server', string[]> = { client: [], server: [] };
  await using both = await pair({ keylog: (line) => lines.server.push(line) }, { keylog: (line) => lines.client.push(line) });
  expect(both.client.alpn).toBe('test');
  expect(lines.client.some((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0 '))).toBe(true);
  expect([...lines.server].sort()).toEqual([...lines.client].sort());
});
