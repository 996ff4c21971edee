// Ends: of servers, of processes, of threads, of objects that nobody holds any more. With the real addon.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { rejection } from '../support/fixtures.js';
import { type ProgramResult, dial, echoes, file, nextStream, pair, serve } from '../support/real.js';

const programs = path.join(__dirname, 'programs');
const env = { ...process.env, TEST_CERT: file('server.pem'), TEST_KEY: file('server.key'), TEST_CA: file('ca.pem') };

function run(program: string, ...args: readonly string[]): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', path.join(programs, program), ...args], { env });
    let output = '';
    let readyAt = Date.now();
    const note = (chunk: Buffer): void => {
      output += String(chunk);
      if (output.includes('ready')) readyAt = Date.now();
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('close', (code, signal) => resolve({ code, signal, output, ms: Date.now() - readyAt }));
  });
}

describe('a server', () => {
  test('that closes lets streams finish, and its port is free', async () => {
    const server = await serve();
    echoes(server);
    const client = await dial(server);
    const stream = await client.openStream();
    stream.write('a');
    await new Promise((resolve) => stream.once('readable', resolve));
    const closed = server.close();
    stream.end('b');
    expect(await text(stream)).toBe('ab');
    await closed;
    await client.closed;
    await using again = await serve({ address: server.address });
    expect(again.address).toEqual(server.address);
  });

  test('that is closing refuses new connections', async () => {
    const server = await serve();
    const client = await dial(server);
    const { value: accepted } = await server[Symbol.asyncIterator]().next();
    await accepted.openStream();
    const closed = server.close();
    expect(await rejection(dial(server))).toMatchObject({ code: 'ERR_QUIC_REFUSED' });
    server.destroy();
    await closed;
    await client.closed;
  });

  test('that is destroyed is told to its clients, and their streams fail', async () => {
    const server = await serve();
    echoes(server);
    const client = await dial(server);
    const stream = await client.openStream();
    stream.write('x');
    server.destroy(Object.assign(new Error('mine')));
    expect(await rejection(server.closed)).toMatchObject({ message: 'mine' });
    await client.closed;
    expect(stream.destroyed).toBe(true);
    expect(await rejection(client.openStream())).toMatchObject({ code: 'ERR_QUIC_CONNECTION_CLOSED' });
  });

  test('that is destroyed at once, many times', async () => {
    for (let i = 0; i < 20; i++) {
      const server = await serve({ workers: i % 3 });
      server.destroy();
      await server.closed;
    }
  });

  test('twenty at a time', async () => {
    const servers = await Promise.all(Array.from({ length: 20 }, () => serve()));
    await Promise.all(servers.map((server) => server.close()));
  });
});

describe('aborting', () => {
  test('the wait for a stream spends nothing', async () => {
    await using both = await pair({ limits: { bidirectionalStreams: 1 } });
    const first = await both.client.openStream();
    first.write('x');
    expect(await rejection(both.client.openStream({ signal: AbortSignal.timeout(30) }))).toMatchObject({ name: 'TimeoutError' });
    const next = both.client.openStream();
    const other = await nextStream<any>(both.accepted);
    other.resume();
    first.end();
    other.end();
    first.resume();
    expect((await next).id).toBe(4n);
  });

  test('close() closes at once', async () => {
    await using both = await pair();
    (await both.client.openStream()).write('never ended');
    expect(await rejection(both.client.close({ signal: AbortSignal.timeout(30) }))).toMatchObject({ name: 'TimeoutError' });
    await both.client.closed;
    await both.accepted.closed;
  });
});

describe('a process', () => {
  test('ends by itself when everything is closed', async () => {
    const result = await run('end.mjs', 'closed');
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(result.ms).toBeLessThan(1000);
  });

  test.each(['open', 'connecting', 'streaming', 'threads'])('that exits while something is %s ends within a second, with its own code', async (what) => {
    const result = await run('end.mjs', what);
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(result.ms).toBeLessThan(1000);
  });

  test('is held by an open connection, and by a server', async () => {
    expect((await run('end.mjs', 'held')).output).toContain('held');
  });

  test('says by an unhandled error what its own code threw, and nothing else', async () => {
    const result = await run('end.mjs', 'throwing');
    expect(result.code).toBe(1);
    expect(result.output).toContain("the listener's own");
  });
});

describe('worker threads', () => {
  test('have connections of their own, several at a time, and end cleanly', async () => {
    await using server = await serve();
    echoes(server);
    const workers = [1, 2, 3].map((n) => new Worker(path.join(programs, 'worker.mjs'), { workerData: { address: server.address, ca: file('ca.pem'), n } }));
    const ends = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    const answers = await Promise.all(
      workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
    );
    expect(answers).toEqual(['1', '2', '3']);
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
  });

  test('can be terminated while they talk', async () => {
    await using server = await serve();
    echoes(server);
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(path.join(programs, 'worker.mjs'), { workerData: { address: server.address, ca: file('ca.pem'), n: 0 } });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
    }
  });
});

test('objects that nobody holds are collected, and nothing native with them', async () => {
  const result = await run('collect.mjs');
  expect(result.output).toContain('collected');
  expect(result.code).toBe(0);
});

test('memory does not grow with connections that are over', async () => {
  const result = await run('grow.mjs');
  expect(result.output).toMatch(/grew by \d+ KiB/);
  expect(result.code).toBe(0);
  await sleep(1);
}, 60_000);
