// Clients that move, and servers that would rather be elsewhere (RFC 9000 §9), with the real addon on loopback.
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type QuicConnection, type QuicError } from '../../../lib/index.js';
import { dial, echo, echoes, pair, pattern, serve } from '../support/real.js';

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

/** Once the handshake is confirmed, which nothing tells. */
async function migrate(connection: QuicConnection, localAddress: string, probe = true): ReturnType<QuicConnection['migrate']> {
  for (;;) {
    try {
      return await connection.migrate({ localAddress, probe });
    } catch (error) {
      if ((error as QuicError).code !== 'ERR_QUIC_MIGRATION_INVALID_STATE') throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe.each([
  { workers: 0, threaded: false },
  { workers: 2, threaded: true },
])('with $workers workers, client on a thread of its own: $threaded', ({ workers, threaded }) => {
  test('a client goes to another port and another address, and its streams go on', async () => {
    await using both = await pair({ workers }, { threaded, localAddress: '127.0.0.1:0' });
    const { client, accepted } = both;
    echo(accepted);
    const first = client.path;
    const bytes = pattern(4 * 1024 * 1024);
    const stream = await client.openStream();
    const pieces = Array.from({ length: 64 }, (_, n) => bytes.subarray(n * 65_536, (n + 1) * 65_536));
    const transfer = Promise.all([pipeline(Readable.from(pieces), stream), buffer(stream)]);
    const second = await migrate(client, '127.0.0.1:0');
    expect(second.local.port).not.toBe(first.local.port);
    const third = await migrate(client, '127.0.0.7:0');
    expect(third).toMatchObject({ local: { host: '127.0.0.7' }, peer: first.peer });
    expect(client.path).toEqual(third);
    const [, answer] = await transfer;
    expect(answer.equals(bytes)).toBe(true);
    expect(await ask(client, 'there?')).toBe('there?');
    expect(accepted.path.peer).toEqual(third.local);
  });

  test('without a probe it is gone at once', async () => {
    await using both = await pair({ workers }, { threaded });
    echo(both.accepted);
    const path = await migrate(both.client, '127.0.0.1:0', false);
    expect(both.client.path).toEqual(path);
    expect(await ask(both.client, 'here')).toBe('here');
  });
});

test('moves in a row, one port after another', async () => {
  await using both = await pair();
  echo(both.accepted);
  const ports = new Set<number>();
  for (let n = 0; n < 12; n++) {
    ports.add((await migrate(both.client, '127.0.0.1:0')).local.port);
    expect(await ask(both.client, String(n))).toBe(String(n));
  }
  expect(ports.size).toBe(12);
});

test('two clients on one socket go their own ways', async () => {
  await using server = await serve();
  echoes(server);
  await using one = await dial(server);
  await using two = await dial(server);
  expect(one.path.local.port).toBe(two.path.local.port);
  const [first, second] = await Promise.all([migrate(one, '127.0.0.1:0'), migrate(two, '127.0.0.1:0')]);
  expect(first.local.port).not.toBe(second.local.port);
  await one.close();
  expect(await ask(two, 'still here')).toBe('still here');
});

test('a server hears where its client is', async () => {
  await using both = await pair();
  echo(both.accepted);
  const changed = new Promise<{ readonly peer: object }>((resolve) => both.accepted.once('pathChanged', resolve));
  const { local } = await migrate(both.client, '127.0.0.9:0');
  expect(await ask(both.client, 'hello')).toBe('hello');
  expect((await changed).peer).toEqual(local);
});

test('a move is refused where the server asked its clients to stay', async () => {
  await using both = await pair({ disableActiveMigration: true });
  expect(await rejection(migrate(both.client, '127.0.0.1:0'))).toMatchObject({ code: 'ERR_QUIC_MIGRATION_FORBIDDEN' });
});

test.each([
  ['an address of another family', '[::1]:0', 'ERR_QUIC_INVALID_ARGUMENT'],
  ['an address that is not ours', '192.0.2.1:0', 'ERR_QUIC_BIND'],
])('a move to %s is refused, and the connection goes on', async (_what, localAddress, code) => {
  await using both = await pair();
  echo(both.accepted);
  expect(await rejection(migrate(both.client, localAddress))).toMatchObject({ code });
  expect(await ask(both.client, 'as before')).toBe('as before');
});

test('servers do not move so', async () => {
  await using both = await pair();
  expect(await rejection(both.accepted.migrate({ localAddress: '127.0.0.1:0' }))).toMatchObject({ code: 'ERR_QUIC_INVALID_STATE' });
});

test('a move of a connection that ends is over with it', async () => {
  await using both = await pair();
  const move = rejection(both.client.migrate({ localAddress: '127.0.0.1:0' }));
  both.client.destroy();
  expect(await move).toMatchObject({ code: expect.stringMatching(/^ERR_QUIC_/) as string });
});

describe('the address that a server prefers', () => {
  const preferredOf = async (): Promise<string> => {
    // A port that was free a moment ago.
    await using other = await serve({ address: '127.0.0.4:0' });
    return `127.0.0.4:${other.address.port}`;
  };

  test.each([0, 2])('is gone to (%p workers)', async (workers) => {
    const preferredAddress = await preferredOf();
    await using both = await pair({ workers, preferredAddress });
    echo(both.accepted);
    const { client } = both;
    if (client.path.peer.host !== '127.0.0.4') await new Promise((resolve) => client.once('pathChanged', resolve));
    expect(`${client.path.peer.host}:${client.path.peer.port}`).toBe(preferredAddress);
    expect(await ask(client, 'there')).toBe('there');
  });

  test('is not gone to by a client that does not want to', async () => {
    await using both = await pair({ preferredAddress: await preferredOf() }, { followPreferredAddress: false });
    echo(both.accepted);
    for (let n = 0; n < 20; n++) expect(await ask(both.client, String(n))).toBe(String(n));
    expect(both.client.path.peer).toEqual(both.server.address);
  });

  test('must be one of each family', async () => {
    expect(await rejection(serve({ preferredAddress: ['127.0.0.1:1', '127.0.0.2:1'] }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
  });
});
