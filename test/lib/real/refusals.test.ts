// Everything that a user can get wrong, and every peer that is not there: which error comes, and how soon.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type ConnectOptions, type ListenOptions, type QuicError, connect, listen } from '../../../lib/index.js';
import { rejection } from '../support/fixtures.js';
import { clientTls, dial, pemOf, serve, serverTls } from '../support/real.js';

async function refusal(listening: Partial<ListenOptions>, connecting: Partial<ConnectOptions>): Promise<{ client: QuicError; server: QuicError }> {
  await using server = await serve(listening);
  const refused = once(server, 'refused') as Promise<[QuicError]>;
  const client = (await rejection(dial(server, connecting))) as QuicError;
  return { client, server: (await refused)[0] };
}

/** A UDP port of 127.0.0.1 that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

describe.each([false, true])('nobody there, client on a thread of its own: %p', (threaded) => {
  test('a closed port is known within 200 ms', async () => {
    const port = await freePort();
    const began = performance.now();
    const error = await rejection(connect({ host: '127.0.0.1', port }, { alpn: ['a'], tls: clientTls, threaded }));
    expect(error).toMatchObject({ code: 'ERR_QUIC_PEER_UNREACHABLE' });
    expect(performance.now() - began).toBeLessThan(200);
  });

  test('a peer that never answers is given up at the handshake timeout', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const began = performance.now();
    const error = await rejection(connect({ host: '127.0.0.1', port: socket.address().port }, { alpn: ['a'], tls: clientTls, handshakeTimeout: 400, threaded }));
    socket.close();
    expect(error).toMatchObject({ code: 'ERR_QUIC_HANDSHAKE_TIMEOUT' });
    expect(performance.now() - began).toBeGreaterThan(350);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('a connection attempt can be aborted at any time', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const address = { host: '127.0.0.1', port: socket.address().port };
    const began = performance.now();
    expect(await rejection(connect(address, { alpn: ['a'], tls: clientTls, threaded, signal: AbortSignal.timeout(50) }))).toMatchObject({ name: 'TimeoutError' });
    expect(performance.now() - began).toBeLessThan(1000);
    socket.close();
  });
});

describe('a certificate that will not do', () => {
  test.each([
    ['of an authority that nobody trusts', 'other-server', {}],
    ['that is over', 'expired', {}],
    ['for another name', 'wrong-host', {}],
    ['for another name than the one asked for', 'server', { serverName: 'elsewhere.test' }],
  ])('%s', async (_what, name, options) => {
    const { client, server } = await refusal({ tls: { cert: pemOf(`${name}.pem`), key: pemOf(`${name}.key`) } }, options);
    expect(client).toMatchObject({ code: 'ERR_QUIC_CERTIFICATE', initiator: 'local' });
    expect(client.reason).not.toBe('');
    expect(server).toMatchObject({ code: 'ERR_QUIC_TLS_ALERT', initiator: 'remote' });
  });

  test("Node's own roots do not know the tests' authority", async () => {
    await using server = await serve();
    expect(await rejection(connect(server.address, { alpn: ['test'] }))).toMatchObject({ code: 'ERR_QUIC_CERTIFICATE' });
  });

  test('and who looks away connects', async () => {
    await using server = await serve({ tls: { cert: pemOf('other-server.pem'), key: pemOf('other-server.key') } });
    await using client = await dial(server, { tls: { dangerouslySkipVerification: true } });
    expect(client.alpn).toBe('test');
  });

  test("a client's, or none, where the server wants one", async () => {
    for (const tls of [clientTls, { ...clientTls, cert: pemOf('other-client.pem'), key: pemOf('other-client.key') }]) {
      await using server = await serve({ tls: { ...serverTls, clientCa: pemOf('ca.pem') } });
      const refused = once(server, 'refused') as Promise<[QuicError]>;
      // A TLS 1.3 client is done before the server has looked at its certificate.
      const client = await dial(server, { tls }).then((connection) => connection.closed.then(() => undefined)).catch((error: QuicError) => error);
      expect(client).toMatchObject({ code: 'ERR_QUIC_TLS_ALERT', initiator: 'remote' });
      expect((await refused)[0]).toMatchObject({ code: 'ERR_QUIC_CERTIFICATE', initiator: 'local' });
    }
  });
});

test('no application protocol in common', async () => {
  const { client, server } = await refusal({ alpn: ['one'] }, { alpn: ['two'] });
  expect(client).toMatchObject({ code: 'ERR_QUIC_ALPN', wireCode: 0x178n, initiator: 'remote' });
  expect(server).toMatchObject({ code: 'ERR_QUIC_ALPN', initiator: 'local' });
});

describe('listen', () => {
  test('on a port that is taken, by anybody', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(await rejection(serve({ address: { host: '127.0.0.1', port: socket.address().port } }))).toMatchObject({ code: 'ERR_QUIC_ADDRESS_IN_USE', cause: { code: 'EADDRINUSE' } });
    socket.close();
    await using server = await serve();
    expect(await rejection(serve({ address: server.address }))).toMatchObject({ code: 'ERR_QUIC_ADDRESS_IN_USE' });
  });

  test('on an address that is not ours', async () => {
    expect(await rejection(serve({ address: '192.0.2.1:0' }))).toMatchObject({ code: 'ERR_QUIC_BIND', cause: { code: 'EADDRNOTAVAIL' } });
  });

  test.each([
    ['a key of another certificate', { cert: pemOf('server.pem'), key: pemOf('client.key') }],
    ['no certificate but a key', { cert: pemOf('server.key'), key: pemOf('server.key') }],
    ['a broken certificate', { cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', key: pemOf('server.key') }],
  ])('with %s', async (_what, tls) => {
    expect(await rejection(listen({ address: '127.0.0.1:0', alpn: ['a'], tls }))).toMatchObject({ code: 'ERR_QUIC_INVALID_CREDENTIALS' });
  });
});

describe('connect', () => {
  test('with a key of another certificate, or authorities that are none', async () => {
    await using server = await serve();
    expect(await rejection(dial(server, { tls: { ...clientTls, cert: pemOf('client.pem'), key: pemOf('server.key') } }))).toMatchObject({ code: 'ERR_QUIC_INVALID_CREDENTIALS' });
    expect(await rejection(dial(server, { tls: { ca: pemOf('server.key') } }))).toMatchObject({ code: 'ERR_QUIC_INVALID_CREDENTIALS' });
  });

  test('to a name that does not exist', async () => {
    expect(await rejection(connect('name.invalid:1', { alpn: ['a'], tls: clientTls }))).toMatchObject({ code: 'ERR_QUIC_NAME_NOT_RESOLVED' });
  });

  test('from an address that is not ours', async () => {
    await using server = await serve();
    expect(await rejection(dial(server, { localAddress: '192.0.2.1:0' }))).toMatchObject({ code: 'ERR_QUIC_BIND' });
  });

  test('to a server that takes no more', async () => {
    await using server = await serve({ backlog: 1 });
    await using first = await dial(server);
    expect(first.alpn).toBe('test');
    const second = await dial(server).then((connection) => connection.closed.then(() => undefined)).catch((error: QuicError) => error);
    expect(second).toMatchObject({ code: 'ERR_QUIC_REFUSED', initiator: 'remote' });
  });
});
