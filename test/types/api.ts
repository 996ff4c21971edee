// What must compile and what must not. tsc is the test: nothing here runs.
import {
  type Abortable,
  type ClientMigrationEvent,
  type ConnectionStats,
  type MigrationOutcome,
  type MigrationPlan,
  PreparedMigration,
  QuicConnection,
  QuicError,
  type QuicErrorCode,
  type QuicReceiveStream,
  type QuicSendStream,
  QuicServer,
  QuicStream,
  connect,
  listen,
} from '../../lib/index.js';
import { type Duplex, type Readable, type Writable } from 'node:stream';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** `holds<Equals<A, B>>()` compiles when A is B. */
const holds = <T extends true>(proof?: T): void => void proof;

// ---- a server that echoes
export async function server(cert: string, key: string, signal: AbortSignal): Promise<void> {
  await using server = await listen({ address: '0.0.0.0:4433', alpn: ['echo'], tls: { cert, key }, serverMigration: { protocols: ['explicit', 'symmetric'] } });
  signal.addEventListener('abort', () => void server.close());
  for await (const connection of server) {
    connection.on('stream', (stream) => {
      if (stream instanceof QuicStream) void pipeline(stream, stream);
    });
    void (async () => {
      for await (const stream of connection.incomingStreams) {
        if ('write' in stream) void pipeline(stream, stream);
        else holds<Equals<typeof stream, QuicReceiveStream>>();
      }
    })();
  }
}

// ---- a client that hears of moves
export async function client(options: Abortable): Promise<void> {
  await using connection = await connect('localhost:4433', { alpn: ['echo'], ...options, serverMigration: { protocols: ['explicit'], explicitProbing: 'proactive' } });
  connection.on('migration', (event) => {
    holds<Equals<typeof event, ClientMigrationEvent>>();
    switch (event.type) {
      case 'announced':
        if (event.protocol === 'explicit') console.log(event.address.host);
        // @ts-expect-error a synchronized move names no address
        else console.log(event.address);
        break;
      case 'completed':
        console.log(event.downtime, event.path.peer.port);
        break;
      default:
    }
  });
  const stream = await connection.openStream(options);
  await pipeline(createReadStream('in.bin'), stream, { end: true });
  try {
    for await (const chunk of stream) console.log((chunk as Uint8Array).byteLength);
  } catch (error) {
    if (error instanceof QuicError && error.code === 'ERR_QUIC_STREAM_RESET') console.log(error.wireCode === 0x10cn);
  }
  const { send, receive } = (await connection.openStream()).split();
  holds<Equals<typeof send, QuicSendStream>>();
  holds<Equals<typeof receive, QuicReceiveStream>>();
  send.end('question');
  receive.resume();
}

// ---- an operator that moves a server
export async function move(server: QuicServer, to: string): Promise<void> {
  await using migration = await server.prepareMigration((connection) => (connection.serverMigration?.protocols.has('explicit') === true ? { protocol: 'explicit', address: to } : 'close'));
  holds<Equals<typeof migration, PreparedMigration>>();
  for (const outcome of await migration.completed({ address: to })) {
    holds<Equals<typeof outcome, MigrationOutcome>>();
    if (outcome.status === 'ready' || outcome.status === 'migrated') console.log(outcome.protocol);
    else console.error(outcome.connection.id, outcome.error.code);
  }
}

// ---- streams are Node's
export function streams(duplex: QuicStream, send: QuicSendStream, receive: QuicReceiveStream): [Duplex, Writable, Readable] {
  holds<Equals<typeof duplex.id, bigint>>();
  holds<Equals<typeof duplex.acknowledged, Promise<void>>>();
  send.resetStream(5);
  receive.stopSending(5n);
  return [duplex, send, receive];
}

// ---- datagrams, priorities, keys
export async function transport(connection: QuicConnection): Promise<void> {
  if (!connection.datagrams.send(new Uint8Array(3), (outcome) => console.log(outcome === 'acknowledged' || outcome === 'lost'))) console.log('too many');
  for await (const datagram of connection.datagrams) console.log(datagram.byteLength);
  const stream = await connection.openStream({ priority: { urgency: 0, incremental: false } });
  stream.setPriority({ urgency: 7 });
  stream.resetStream(1n, { deliverWritten: true });
  await connection.updateKeys();
  console.log((await connection.exportKeyingMaterial(32, 'EXPORTER-x')).byteLength);
  connection.on('session', (session) => void connect('x:1', { alpn: ['a'], session }));
  holds<Equals<typeof connection.handshake.earlyData, 'none' | 'pending' | 'accepted' | 'rejected'>>();
}

// ---- errors
export function errors(error: QuicError, connection: QuicConnection): Promise<ConnectionStats> {
  holds<Equals<typeof error.code, QuicErrorCode>>();
  holds<Equals<typeof error.wireCode, bigint>>();
  connection.destroy(new QuicError('busy', { wireCode: 3, reason: 'busy' }));
  // @ts-expect-error not a code
  if (error.code === 'ERR_QUIC_NONE') console.log('never');
  return connection.stats();
}

// ---- what must not compile
// @ts-expect-error symmetric carries no address
export const bad1: MigrationPlan = { protocol: 'symmetric', address: '10.0.0.1:1' };
// @ts-expect-error explicit needs one
export const bad2: MigrationPlan = { protocol: 'explicit' };
// @ts-expect-error alpn may not be empty
export const bad3 = connect('x:1', { alpn: [] });
// @ts-expect-error a server needs a certificate
export const bad4 = listen({ alpn: ['a'], tls: { key: 'k' } });
// @ts-expect-error an option that does not exist
export const bad5 = connect('x:1', { alpn: ['a'], idletimeout: 5 });
// @ts-expect-error protocols may not be empty
export const bad6 = connect('x:1', { alpn: ['a'], serverMigration: { protocols: [] } });
// @ts-expect-error a datagram is bytes
export const bad7 = (connection: QuicConnection) => connection.datagrams.send('text');
// @ts-expect-error users do not construct these
export const bad8 = () => new QuicConnection();
// @ts-expect-error users do not construct these
export const bad9 = () => new QuicServer();
// @ts-expect-error users do not construct these
export const bad10 = () => new QuicStream();
// @ts-expect-error users do not construct these
export const bad11 = () => new PreparedMigration();
// @ts-expect-error there is no 'error' event on a connection
export const bad12 = (connection: QuicConnection) => connection.on('error', () => undefined);
// @ts-expect-error a receiving stream cannot be written
export const bad13 = (stream: QuicReceiveStream) => stream.write('x');
// @ts-expect-error a sending stream cannot be read
export const bad14 = (stream: QuicSendStream) => stream.read();
