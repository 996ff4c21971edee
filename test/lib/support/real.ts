/** Servers and clients with the real addon, on loopback. Certificates come from scripts/gen-test-certs.mjs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ConnectOptions, type ListenOptions, type QuicConnection, type QuicServer, QuicStream, connect, listen } from '../../../lib/index.js';

const root = path.join(__dirname, '../../..');
export const certificates = path.join(root, 'build/test-certs');
execFileSync(process.execPath, [path.join(root, 'scripts/gen-test-certs.mjs'), '--quiet', '--out', certificates]);

export const file = (name: string): string => path.join(certificates, name);
export const pemOf = (name: string): string => readFileSync(file(name), 'utf8');

export const serverTls = { cert: pemOf('server.pem'), key: pemOf('server.key') };
export const clientTls = { ca: pemOf('ca.pem') };

export function serve(options: Partial<ListenOptions> = {}): Promise<QuicServer> {
  return listen({ address: '127.0.0.1:0', alpn: ['test'], tls: serverTls, ...options });
}
export function dial(server: QuicServer, options: Partial<ConnectOptions> = {}): Promise<QuicConnection> {
  return connect(server.address, { alpn: ['test'], tls: clientTls, ...options });
}

/** Sends back what comes on each stream. */
export function echo(connection: QuicConnection): void {
  connection.on('stream', (stream) => {
    if (stream instanceof QuicStream) pipeline(stream, stream).catch(() => undefined);
    else stream.resume();
  });
}

/** Likewise on each connection that comes. */
export function echoes(server: QuicServer): void {
  server.on('connection', echo);
}

export interface Pair extends AsyncDisposable {
  readonly server: QuicServer;
  readonly client: QuicConnection;
  /** The server's end of the client's connection. */
  readonly accepted: QuicConnection;
}

/** A server and one client of it, taken down together. */
export async function pair(listening: Partial<ListenOptions> = {}, connecting: Partial<ConnectOptions> = {}): Promise<Pair> {
  const server = await serve(listening);
  const [client, { value: accepted }] = await Promise.all([dial(server, connecting), server[Symbol.asyncIterator]().next()]);
  return {
    server,
    client,
    accepted: accepted as QuicConnection,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.destroy();
      await Promise.allSettled([client.closed, server.closed]);
    },
  };
}

/** A client is done with its handshake before its server is: resolves when the server has `count` connections. */
export async function accepted(server: QuicServer, count: number): Promise<void> {
  while (server.connections.size < count) await new Promise((resolve) => setImmediate(resolve));
}

/** The next stream that the peer opens. */
export async function nextStream<T>(connection: QuicConnection): Promise<T> {
  const { value, done } = await connection.incomingStreams[Symbol.asyncIterator]().next();
  if (done === true) throw new Error('the connection ended');
  return value as T;
}

/** Bytes that differ everywhere, so that a hole, a repetition or a swap is seen. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
  return bytes;
}

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly ms: number;
}
