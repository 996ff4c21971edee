// What a client may say of how it follows its server, and a process of how it stood still, with the real addon on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type ClientMigrationOptions, type QuicConnection, type QuicServer, QuicStream, connect, thaw } from '../../../lib/index.js';
import { rejection } from '../support/fixtures.js';
import { accepted, clientTls, dial, file, serve } from '../support/real.js';

function answers(server: QuicServer): void {
  server.on('connection', (connection) => {
    connection.on('stream', (stream) => {
      if (stream instanceof QuicStream) text(stream).then((question) => stream.end(question.toUpperCase()), () => undefined);
    });
  });
}

async function ask(connection: QuicConnection, question: string): Promise<string> {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

describe('a pool', () => {
  const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];

  /** Where a client looks for a server that has gone without a word, until it has looked at `count` addresses. */
  async function search(options: (port: number) => Partial<ClientMigrationOptions>, count: number): Promise<readonly string[]> {
    const first = await serve();
    const { port } = first.address;
    await first.close();
    const env = { ...process.env, TEST_CERT: file('server.pem'), TEST_KEY: file('server.key') };
    const server = spawn(process.execPath, [path.join(__dirname, 'programs/pool.mjs'), String(port), ...hosts], { env });
    await once(server.stdout, 'data');
    const client = await connect({ host: '127.0.0.1', port }, { alpn: ['test'], tls: clientTls, serverMigration: { protocols: ['pool-of-addresses'], ...options(port) } });
    expect(await ask(client, 'here')).toBe('here');
    server.kill('SIGKILL');
    await once(server, 'exit');
    const probed: string[] = [];
    const searched = new Promise<void>((resolve) => {
      client.on('migration', (event) => {
        if (event.type === 'probing' && probed.push(event.address.host) === count) resolve();
      });
    });
    const asking = rejection(ask(client, 'where?'));
    await searched;
    client.destroy();
    await asking;
    return probed;
  }

  test('is searched in ascending order, past the address in use', async () => {
    expect(await search(() => ({}), 3)).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.4']);
  });

  test('is searched in the order of the application, then ascending', async () => {
    const order = (port: number) => ({ poolOrder: [`127.0.0.4:${port}`, `127.0.0.3:${port}`] as const });
    expect(await search(order, 3)).toEqual(['127.0.0.4', '127.0.0.3', '127.0.0.2']);
  });

  test('is searched where the application accepts it, and nowhere else', async () => {
    expect(await search(() => ({ acceptAddress: ['127.0.0.3', '127.0.0.4'] }), 3)).toEqual(['127.0.0.3', '127.0.0.4', '127.0.0.3']);
  });
});

describe('an announced address', () => {
  async function announced(acceptAddress: NonNullable<ClientMigrationOptions['acceptAddress']>): Promise<unknown> {
    await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
    answers(server);
    await using client = await dial(server, { serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive', acceptAddress } });
    await accepted(server, 1);
    const address = { host: '127.0.0.2', port: server.address.port };
    const closed = rejection(client.closed).then((error: unknown) => (error as { readonly code: string }).code);
    const move = await server.prepareMigration({ protocol: 'explicit', address });
    if (move.outcomes[0]?.status !== 'ready') return closed;
    await move.completed({ address });
    closed.catch(() => undefined);
    expect(await ask(client, 'there')).toBe('THERE');
    return client.path.peer.host;
  }

  test.each(['127.0.0.0/8', '127.0.0.2', '0.0.0.0/0'])('is gone to when it is in %s', async (range) => {
    expect(await announced([range])).toBe('127.0.0.2');
  });

  test('ends the connection when it is in none of those that are accepted', async () => {
    expect(await announced(['192.0.2.0/24', '127.0.0.3'])).toBe('ERR_QUIC_MIGRATION_ADDRESS_REFUSED');
  });
});

test('clients that wait for a random time before they probe arrive all the same', async () => {
  await using server = await serve({ serverMigration: { protocols: ['explicit'] } });
  answers(server);
  const way = { protocols: ['explicit'], explicitProbing: 'proactive', probeDelay: 60 } as const;
  const clients = await Promise.all(Array.from({ length: 5 }, () => dial(server, { serverMigration: way })));
  await accepted(server, clients.length);
  const address = { host: '127.0.0.2', port: server.address.port };
  const move = await server.prepareMigration({ protocol: 'explicit', address });
  expect((await move.completed({ address })).map(({ status }) => status)).toEqual(clients.map(() => 'migrated'));
  for (const client of clients) expect(await ask(client, 'there')).toBe('THERE');
  await Promise.all(clients.map((client) => client.close()));
});

test.each([0, 2])('a process that is told that it stood still goes on (%i workers)', async (workers) => {
  await using server = await serve({ workers });
  answers(server);
  await using client = await dial(server, { threaded: workers > 0 });
  expect(await ask(client, 'before')).toBe('BEFORE');
  thaw(20_000);
  expect(await ask(client, 'after')).toBe('AFTER');
  thaw();
  expect(await ask(client, 'again')).toBe('AGAIN');
});
