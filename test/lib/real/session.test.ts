// Sessions, certificates by name and of clients, shared secrets, key logs and handed-over sockets, with the real addon.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type ConnectOptions, type ListenOptions, type QuicConnection, QuicError, type QuicServer } from '../../../lib/index.js';
import { clientTls, dial, echoes, file, pair, pemOf, serve, serverTls } from '../support/real.js';

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

/** The session of a connection that was opened, used and closed: the last one, with the token. */
async function sessionFrom(server: QuicServer, options: Partial<ConnectOptions> = {}): Promise<Uint8Array> {
  const client = await dial(server, options);
  const sessions: Uint8Array[] = [];
  client.on('session', (session) => sessions.push(session));
  await ask(client, 'hello');
  while (sessions.length < 3) await new Promise((resolve) => setImmediate(resolve)); // two tickets and a token
  await client.close();
  return sessions.at(-1) as Uint8Array;
}

describe('a session', () => {
  test.each([{ threaded: false }, { threaded: true }])('is resumed (%p)', async (options) => {
    await using server = await serve();
    echoes(server);
    const session = await sessionFrom(server, options);
    await using client = await dial(server, { session, ...options });
    expect(client.handshake.isResumed).toBe(true);
    expect(client.peerCertificate).toBeDefined();
    expect(await ask(client, 'again')).toBe('again');
    expect([...server.connections].at(-1)?.handshake.isResumed).toBe(true);
  });

  test('proves the address too: no Retry the second time', async () => {
    await using server = await serve({ validateAddress: 'always' });
    echoes(server);
    const session = await sessionFrom(server);
    const logs = ['', ''];
    const qlog = (n: 0 | 1) => (records: string) => void (logs[n] += records);
    await using known = await dial(server, { session, qlog: qlog(0) });
    await using unknown = await dial(server, { qlog: qlog(1) });
    expect([known.handshake.isResumed, unknown.handshake.isResumed]).toEqual([true, false]);
    expect(logs.map((log) => log.includes('"packet_type":"retry"'))).toEqual([false, true]);
  });

  test.each([
    ['of another server', { serverName: 'localhost' }],
    ['of a client that verified nothing', { tls: { dangerouslySkipVerification: true } }],
  ])('%s is passed over', async (_what, first) => {
    await using server = await serve();
    echoes(server);
    const session = await sessionFrom(server, first);
    await using client = await dial(server, { session });
    expect(client.handshake.isResumed).toBe(false);
    expect(await ask(client, 'still')).toBe('still');
  });

  test.each([['some bytes', randomBytes(300)], ['nothing', Buffer.alloc(0)]])('that is %s is passed over', async (_what, session) => {
    await using server = await serve();
    await using client = await dial(server, { session });
    expect(client.handshake.isResumed).toBe(false);
  });

  test('that was damaged is passed over', async () => {
    await using server = await serve();
    echoes(server);
    const session = await sessionFrom(server);
    session[session.byteLength - 20] = (session.at(-20) ?? 0) ^ 1;
    await using client = await dial(server, { session });
    expect(client.handshake.isResumed).toBe(false);
  });

  test('is given by no server that was told so', async () => {
    await using both = await pair({ sessionTickets: false });
    const sessions: Uint8Array[] = [];
    both.client.on('session', (session) => sessions.push(session));
    await both.accepted.close();
    await both.client.closed;
    await using client = await dial(both.server, sessions.at(-1) === undefined ? {} : { session: sessions.at(-1) as Uint8Array });
    expect(client.handshake.isResumed).toBe(false);
  });

  test('is known to processes that share secrets, and to no others', async () => {
    const shared: Partial<ListenOptions> = { secrets: [randomBytes(32)] };
    await using first = await serve(shared);
    echoes(first);
    const session = await sessionFrom(first);
    await using second = await serve(shared);
    await using known = await dial(second, { session });
    expect(known.handshake.isResumed).toBe(true);
    await using rotated = await serve({ secrets: [randomBytes(32), ...(shared.secrets ?? [randomBytes(32)])] });
    await using old = await dial(rotated, { session });
    expect(old.handshake.isResumed).toBe(true);
    await using stranger = await serve({ secrets: [randomBytes(32)] });
    await using unknown = await dial(stranger, { session });
    expect(unknown.handshake.isResumed).toBe(false);
  });
});

describe('early data', () => {
  test.each([{ workers: 0, threaded: false }, { workers: 2, threaded: true }])('is answered before the handshake is complete (%p)', async ({ workers, threaded }) => {
    await using server = await serve({ workers, earlyData: true });
    echoes(server);
    const session = await sessionFrom(server, { threaded });
    await using client = await dial(server, { session, earlyData: true, threaded });
    expect(client.handshake).toMatchObject({ isResumed: true, earlyData: 'pending' });
    expect(await ask(client, 'early')).toBe('early');
    await client.handshakeComplete;
    expect(client.handshake.earlyData).toBe('accepted');
    expect(await ask(client, 'later')).toBe('later');
  });

  test('that the server does not take is sent again', async () => {
    await using first = await serve({ earlyData: true, secrets: [Buffer.alloc(32, 1)] });
    echoes(first);
    const session = await sessionFrom(first);
    await using second = await serve({ secrets: [Buffer.alloc(32, 1)] });
    echoes(second);
    await using client = await dial(second, { session, earlyData: true });
    expect(await ask(client, 'twice')).toBe('twice');
    await client.handshakeComplete;
    expect(client.handshake.earlyData).toBe('rejected');
  });

  test('of one ticket is taken once', async () => {
    await using server = await serve({ earlyData: true });
    echoes(server);
    const session = await sessionFrom(server);
    const outcomes: string[] = [];
    for (let n = 0; n < 2; n++) {
      await using client = await dial(server, { session, earlyData: true });
      expect(await ask(client, String(n))).toBe(String(n));
      await client.handshakeComplete;
      outcomes.push(client.handshake.earlyData);
    }
    expect(outcomes).toEqual(['accepted', 'rejected']);
  });
});

describe('certificates', () => {
  test('of a server are chosen by the name that is asked for', async () => {
    const identities = [{ names: ['elsewhere.test'] as const, cert: pemOf('wrong-host.pem'), key: pemOf('wrong-host.key') }];
    await using server = await serve({ tls: { ...serverTls, identities } });
    const { X509Certificate } = await import('node:crypto');
    const shown = async (serverName: string): Promise<string> => {
      await using client = await dial(server, { serverName });
      return new X509Certificate(client.peerCertificate ?? '').serialNumber;
    };
    const serial = (name: string): string => new X509Certificate(pemOf(name)).serialNumber;
    expect(await shown('elsewhere.test')).toBe(serial('wrong-host.pem'));
    expect(await shown('ELSEWHERE.test')).toBe(serial('wrong-host.pem'));
    expect(await shown('localhost')).toBe(serial('server.pem'));
    expect(await shown('127.0.0.1')).toBe(serial('server.pem'));
  });

  test.each([
    ['request', true, true],
    ['request', false, true],
    ['require', true, true],
    ['require', false, false],
    ['none', true, true],
  ] as const)('of clients: %s, and it has one: %p', async (clientCertificate, hasOne, isTaken) => {
    await using server = await serve({ tls: { ...serverTls, clientCa: pemOf('ca.pem'), clientCertificate } });
    echoes(server);
    const tls = hasOne ? { ...clientTls, cert: pemOf('client.pem'), key: pemOf('client.key') } : clientTls;
    // A client is done before its server has looked at the certificate.
    const outcome = await dial(server, { tls }).then((client) => ask(client, 'in').finally(() => client.destroy())).catch((error: unknown) => error);
    if (isTaken) expect(outcome).toBe('in');
    else expect(outcome).toBeInstanceOf(QuicError);
  });
});

test('key logs of both ends are in the format of NSS, and say the same', async () => {
  const logs: Record<'server' | 'client', string[]> = { server: [], client: [] };
  await using both = await pair({ keylog: (line) => logs.server.push(line) }, { keylog: (line) => logs.client.push(line) });
  expect(both.client.alpn).toBe('test');
  for (const line of logs.client) expect(line).toMatch(/^[A-Z_0-9]+ [0-9a-f]{64} ([0-9a-f]{64}|[0-9a-f]{96})$/);
  const labels = logs.client.map((line) => line.split(' ')[0]).sort();
  expect(labels).toEqual(expect.arrayContaining(['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_TRAFFIC_SECRET_0']));
  expect([...logs.server].sort()).toEqual([...logs.client].sort());
});

test('qlogs are whole JSON text sequences, one for each connection whose sink is given', async () => {
  const logs: Record<string, string> = {};
  const sink = (name: string) => (records: string) => void (logs[name] = (logs[name] ?? '') + records);
  await using server = await serve({ qlog: ({ id }) => (Object.keys(logs).length < 2 ? sink(id) : undefined) });
  echoes(server);
  await using client = await dial(server, { qlog: sink('client') });
  await ask(client, 'hello');
  await using other = await dial(server);
  await ask(other, 'hello');
  await client.close();
  const [id] = [...Object.keys(logs)].filter((name) => name !== 'client');
  expect(id).toMatch(/^server-/);
  for (const log of Object.values(logs)) {
    const records = log.split('\x1e').slice(1);
    expect(records.length).toBeGreaterThan(10);
    const names = records.map((record) => (JSON.parse(record) as { readonly name?: string }).name);
    expect(names.some((name) => name?.includes('packet_sent'))).toBe(true);
  }
});

describe('a socket that is handed over', () => {
  test('must be one', async () => {
    expect(await rejection(serve({ fd: openSync(file('ca.pem'), 'r') }))).toMatchObject({ code: 'ERR_QUIC_BIND' });
    expect(await rejection(serve({ fd: 1 }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });

  test('by systemd must be there', async () => {
    expect(await rejection(serve({ fd: 'systemd' }))).toMatchObject({ code: 'ERR_QUIC_BIND' });
  });

  test('is served on', async () => {
    // Node cannot hand a UDP socket to a program by its number: Python plays systemd's part.
    const program = `
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
`;
    const script = path.join(__dirname, 'programs/systemd.mjs');
    const env = { ...process.env, TEST_CERT: file('server.pem'), TEST_KEY: file('server.key'), TEST_CA: file('ca.pem') };
    const output = execFileSync('python3', ['-c', program, process.execPath, script], { encoding: 'utf8', timeout: 10_000, env });
    expect(output).toMatch(/^served on \d+: over a socket of systemd's$/m);
  });
});
