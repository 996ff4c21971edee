// What an application may ask of the transport, with the real addon on loopback: keys, resets, priorities, options, figures.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { QuicError, type QuicConnection, type QuicReceiveStream, type QuicStream, type TransportOptions, connect } from '../../../lib/index.js';
import { clientTls, dial, echo, echoes, nextStream, pair, serve, serverTls } from '../support/real.js';

async function ask(connection: QuicConnection, question: string): Promise<string> {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

async function rejection(promise: Promise<unknown>): Promise<QuicError> {
  return promise.then(
    () => Promise.reject(new Error('it was to reject')),
    (error: unknown) => error as QuicError,
  );
}

/** Not before an update under way is confirmed at this end, which nothing tells. */
async function updateKeys(connection: QuicConnection): Promise<void> {
  for (;;) {
    try {
      return await connection.updateKeys();
    } catch (error) {
      if (!(error instanceof QuicError) || error.code !== 'ERR_QUIC_KEY_UPDATE_NOT_READY') throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('keys', () => {
  test.each([{ threaded: false }, { threaded: true }])('are updated by either end, and data goes on (%p)', async (options) => {
    await using both = await pair({}, options);
    echo(both.accepted);
    await both.client.updateKeys();
    expect(await ask(both.client, 'with new keys')).toBe('with new keys');
    await updateKeys(both.accepted);
    expect(await ask(both.client, 'with newer keys')).toBe('with newer keys');
    expect((await both.client.stats()).keyUpdates).toBe(2);
    expect((await both.accepted.stats()).keyUpdates).toBe(2);
  });

  test('are not updated while the last update is young', async () => {
    await using both = await pair();
    await both.client.updateKeys();
    expect(await rejection(both.client.updateKeys())).toMatchObject({ code: 'ERR_QUIC_KEY_UPDATE_NOT_READY' });
  });

  test('are updated after so many packets', async () => {
    await using both = await pair({}, { keyUpdateAfter: 50 });
    echo(both.accepted);
    for (let n = 0; (await both.client.stats()).keyUpdates < 2; n++) expect(await ask(both.client, String(n))).toBe(String(n));
  });

  test('keying material is the same at both ends, and another for another label', async () => {
    await using both = await pair();
    const context = Buffer.from('context');
    const ours = await both.client.exportKeyingMaterial(48, 'EXPORTER-test', context);
    expect(ours).toHaveLength(48);
    expect(Buffer.from(await both.accepted.exportKeyingMaterial(48, 'EXPORTER-test', context)).equals(ours)).toBe(true);
    expect(Buffer.from(await both.accepted.exportKeyingMaterial(48, 'EXPORTER-other', context)).equals(ours)).toBe(false);
    await both.client.close();
    expect(await rejection(both.client.exportKeyingMaterial(8, 'EXPORTER-test'))).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
  });
});

describe('the handshake', () => {
  test.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'] as const)('may be held to %s', async (cipher) => {
    await using both = await pair({}, { tls: { ...clientTls, ciphers: [cipher] }, serverName: 'localhost' });
    const expected = { version: 1, cipher, isResumed: false, earlyData: 'none' };
    expect(both.client.handshake).toEqual({ ...expected, serverName: undefined });
    expect(both.accepted.handshake).toEqual({ ...expected, serverName: 'localhost' });
    await both.client.handshakeComplete;
  });

  test("takes the server's order of ciphers and its groups", async () => {
    await using both = await pair({ tls: { ...serverTls, ciphers: ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'], groups: ['P-384'] } });
    expect(both.client.handshake.cipher).toBe('TLS_CHACHA20_POLY1305_SHA256');
  });

  test('without a cipher or a group in common it fails', async () => {
    await using server = await serve({ tls: { ...serverTls, ciphers: ['TLS_AES_128_GCM_SHA256'], groups: ['X25519'] } });
    expect(await rejection(dial(server, { tls: { ...clientTls, ciphers: ['TLS_AES_256_GCM_SHA384'] } }))).toMatchObject({ code: 'ERR_QUIC_TLS_ALERT' });
    expect(await rejection(dial(server, { tls: { ...clientTls, groups: ['P-256'] } }))).toMatchObject({ code: 'ERR_QUIC_TLS_ALERT' });
  });

  test.each(['always', 'under-load', 'never'] as const)('begins with an address that is proved: %s', async (validateAddress) => {
    await using server = await serve({ validateAddress });
    echoes(server);
    await using client = await dial(server);
    expect(await ask(client, 'hello')).toBe('hello');
  });

  test.each([
    ['the first of both', [1], [1], 1],
    ['version 2', [2], [2, 1], 2],
    ["the server's choice of those that the client offers", [1, 2], [2, 1], 2],
    ['the next after one that nobody speaks', [0x1a2a3a4a, 1], [1, 2], 1],
  ] as const)('agrees on a version: %s', async (_what, ofClient, ofServer, version) => {
    await using both = await pair({ versions: ofServer }, { versions: ofClient });
    echo(both.accepted);
    expect([both.client.handshake.version, both.accepted.handshake.version]).toEqual([version, version]);
    expect(await ask(both.client, 'hello')).toBe('hello');
  });

  test.each([
    ['and goes over to the best', 1, [2, 1], 2],
    ['and stays where the server speaks no other', 1, [1], 1],
    ['and begins again where the server does not speak it', 0x1a2a3a4a, [2, 1], 2],
  ] as const)('begins with the version it is told %s', async (_what, originalVersion, ofServer, version) => {
    await using both = await pair({ versions: ofServer }, { versions: [2, 1, 0x1a2a3a4a], originalVersion });
    echo(both.accepted);
    expect([both.client.handshake.version, both.accepted.handshake.version]).toEqual([version, version]);
    expect(await ask(both.client, 'hello')).toBe('hello');
  });

  test('the first packet is of the version it is told', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    try {
      await once(socket, 'listening');
      const aborting = new AbortController();
      const options = { alpn: ['test'], tls: clientTls, versions: [2, 1], originalVersion: 1, signal: aborting.signal } as const;
      const attempt = rejection(connect({ host: '127.0.0.1', port: socket.address().port }, options));
      const [datagram] = (await once(socket, 'message')) as [Buffer];
      expect(datagram.readUInt32BE(1)).toBe(1);
      aborting.abort();
      await attempt;
    } finally {
      socket.close();
    }
  });

  test('begins with no version that it does not offer', async () => {
    await using server = await serve();
    const error = await rejection(dial(server, { versions: [2], originalVersion: 1 }));
    expect(error).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT', message: expect.stringContaining('originalVersion') as string });
  });

  test('without a version in common it fails', async () => {
    await using server = await serve({ versions: [2] });
    expect(await rejection(dial(server, { versions: [1] }))).toMatchObject({ code: 'ERR_QUIC_VERSION_NEGOTIATION' });
  });

  test.each([
    ['long ones', { length: 20 }, 0],
    ['with the name of a server', { serverId: Buffer.from('host-1') }, 2],
    ['encrypted', { serverId: Buffer.from([1, 2]), key: Buffer.alloc(16, 7), length: 16 }, 2],
  ] as const)('gives out connection IDs: %s', async (_what, connectionIds, workers) => {
    await using server = await serve({ connectionIds, workers });
    echoes(server);
    await using client = await dial(server, { extensions: { ackFrequency: true } });
    for (let n = 0; n < 5; n++) expect(await ask(client, String(n))).toBe(String(n));
  });

  test('sources that begin too many are refused', async () => {
    await using server = await serve({ handshakesPerSource: 2 });
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => dial(server)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(3);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'ERR_QUIC_REFUSED' });
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.destroy();
  });
});

describe('streams', () => {
  const reliable: Partial<TransportOptions> = { extensions: { reliableReset: true } };

  test.each([
    ['what was written arrives before the reset where both ends have the extension', reliable, reliable],
    ['elsewhere the reset comes as it can', {}, reliable],
  ])('%s', async (_what, ofServer, ofClient) => {
    await using both = await pair(ofServer, ofClient);
    const stream = await both.client.openUnidirectionalStream();
    stream.write(Buffer.alloc(100_000, 1));
    stream.resetStream(77, { deliverWritten: true });
    const received = await nextStream<QuicReceiveStream>(both.accepted);
    let size = 0;
    const end = await (async () => {
      for await (const chunk of received) size += (chunk as Buffer).byteLength;
    })().catch((error: unknown) => error);
    expect(end).toMatchObject({ code: 'ERR_QUIC_STREAM_RESET', wireCode: 77n });
    if (ofServer === reliable) expect(size).toBe(100_000);
  });

  test('of the lowest urgency come last', async () => {
    await using both = await pair({ limits: { connectionWindow: 65_536 } });
    const ends: string[] = [];
    both.accepted.on('stream', (stream) => {
      let name = '';
      stream.once('data', (chunk: Buffer) => void (name = chunk.toString('latin1', 0, 4)));
      stream.on('end', () => ends.push(name));
      stream.resume();
    });
    const write = async (name: string, urgency: number): Promise<void> => {
      const stream = await both.client.openUnidirectionalStream({ priority: { urgency } });
      stream.end(Buffer.concat([Buffer.from(name), Buffer.alloc(200_000)]));
      await stream.acknowledged;
    };
    await Promise.all([write('last', 7), write('next', 3), write('1st ', 0)]);
    expect(ends).toEqual(['1st ', 'next', 'last']);
  });

  test('take another priority while they are under way', async () => {
    await using both = await pair();
    echo(both.accepted);
    const stream: QuicStream = await both.client.openStream({ priority: { urgency: 6, incremental: false } });
    stream.setPriority({ urgency: 0 });
    stream.end('whole');
    expect(await text(stream)).toBe('whole');
  });
});

describe('figures', () => {
  test.each(['cubic', 'newreno', 'bbr', 'copa'] as const)('name the controller %s, and count', async (congestionControl) => {
    await using both = await pair({}, { congestionControl });
    echo(both.accepted);
    await ask(both.client, 'something');
    const stats = await both.client.stats();
    expect(stats).toMatchObject({ congestionControl, keyUpdates: 0, packetsLost: 0n, datagramsSent: 0n });
    expect(stats.mtu).toBeGreaterThanOrEqual(1_200);
    expect(stats.packetsSent).toBeGreaterThan(3n);
    expect(stats.smoothedRtt).toBeGreaterThan(0);
    expect(['testing', 'capable']).toContain(stats.ecn);
  });

  test('tell that ECN is off, and where the largest datagram was set', async () => {
    await using both = await pair({}, { ecn: false, maxUdpPayload: 1_200 });
    echo(both.accepted);
    for (let n = 0; n < 10; n++) await ask(both.client, 'x'.repeat(3_000));
    expect(await both.client.stats()).toMatchObject({ ecn: 'off', mtu: 1_200 });
  });
});
