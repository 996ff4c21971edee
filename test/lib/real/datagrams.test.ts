// Datagrams (RFC 9221) with the real addon on loopback.
import { type QuicConnection } from '../../../lib/index.js';
import { pair } from '../support/real.js';

const taking = { limits: { datagramSize: 65_535 } };

async function take(connection: QuicConnection, count: number): Promise<Buffer[]> {
  const taken: Buffer[] = [];
  if (count === 0) return taken;
  for await (const datagram of connection.datagrams) {
    taken.push(Buffer.from(datagram));
    if (taken.length === count) break;
  }
  return taken;
}

describe.each([
  { workers: 0, threaded: false },
  { workers: 2, threaded: true },
])('with $workers workers, client on a thread of its own: $threaded', ({ workers, threaded }) => {
  test('go both ways, each acknowledged', async () => {
    await using both = await pair({ workers, ...taking }, { threaded, ...taking });
    const { client, accepted } = both;
    expect(client.datagrams.maxSize).toBeGreaterThanOrEqual(1_100);
    const outcomes = new Promise((resolve) => client.datagrams.send(Buffer.from('there'), resolve));
    expect((await take(accepted, 1)).map(String)).toEqual(['there']);
    expect(accepted.datagrams.send(Buffer.from('and back'))).toBe(true);
    expect((await take(client, 1)).map(String)).toEqual(['and back']);
    expect(await outcomes).toBe('acknowledged');
    expect(await client.stats()).toMatchObject({ datagramsSent: 1n, datagramsReceived: 1n });
  });

  test('as many as wait at a time arrive, and more may follow', async () => {
    await using both = await pair({ workers, ...taking, limits: { ...taking.limits, datagramBacklog: 5_000 } }, { threaded, ...taking });
    const { client, accepted } = both;
    const total = 2_000;
    const outcomes: string[] = [];
    for (let sent = 0; sent < total; ) {
      if (client.datagrams.send(Buffer.from(String(sent)), (outcome) => outcomes.push(outcome))) sent++;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    while (outcomes.length < total) await new Promise((resolve) => setImmediate(resolve));
    const arrived = outcomes.filter((outcome) => outcome === 'acknowledged').length;
    expect(arrived).toBeGreaterThan(total * 0.9);
    const taken = await take(accepted, arrived - Number(accepted.datagrams.dropped));
    expect(new Set(taken.map(String)).size).toBe(taken.length);
  });
});

test('the largest that fits arrives, and one byte more is refused', async () => {
  await using both = await pair(taking, taking);
  const { datagrams } = both.client;
  const size = datagrams.maxSize;
  expect(() => datagrams.send(Buffer.alloc(size + 65_535))).toThrow(expect.objectContaining({ code: 'ERR_QUIC_DATAGRAM_TOO_LARGE' }));
  expect(datagrams.send(Buffer.alloc(size, 1))).toBe(true);
  const [datagram] = await take(both.accepted, 1);
  expect(datagram?.byteLength).toBe(size);
});

test('an empty one is one', async () => {
  await using both = await pair(taking, taking);
  both.client.datagrams.send(new Uint8Array(0));
  expect((await take(both.accepted, 1)).map((datagram) => datagram.byteLength)).toEqual([0]);
});

test('are not sent to a peer that takes none', async () => {
  await using both = await pair({}, taking);
  expect(both.client.datagrams.maxSize).toBe(0);
  expect(() => both.client.datagrams.send(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'ERR_QUIC_DATAGRAM_UNSUPPORTED' }));
  expect(both.accepted.datagrams.send(Buffer.from('this way'))).toBe(true);
  expect((await take(both.client, 1)).map(String)).toEqual(['this way']);
});

test("a peer's limit is kept", async () => {
  await using both = await pair({ limits: { datagramSize: 100 } }, taking);
  expect(both.client.datagrams.maxSize).toBeLessThan(100);
  expect(both.client.datagrams.maxSize).toBeGreaterThan(90);
});

test('an iteration ends with the connection', async () => {
  await using both = await pair(taking, taking);
  const waiting = both.accepted.datagrams[Symbol.asyncIterator]().next();
  await both.client.close();
  expect((await waiting).done).toBe(true);
  expect(() => both.client.datagrams.send(Buffer.from('late'))).toThrow(expect.objectContaining({ code: 'ERR_QUIC_CONNECTION_CLOSED' }));
});
