/** Connections and servers on a FakeNative, ready to be used. */
import { Client } from '../../../lib/client.js';
import { CallSite } from '../../../lib/errors.js';
import { type ConnectOptions, type ListenOptions, type QuicConnection, type QuicServer } from '../../../lib/index.js';
import { type ClosedRecord, RecordKind } from '../../../lib/native.js';
import { listenWith } from '../../../lib/server.js';
import { FakeModule, type FakeNative, type FakeRecord, address, openedRecord } from './FakeNative.js';

export const pem = '-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n';

/** Ticks, promise reactions and immediates have run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

export interface ClientFixture {
  readonly module: FakeModule;
  readonly native: FakeNative;
  readonly connection: QuicConnection;
  /** The connection's number. */
  readonly number: number;
  /** Records of this connection. */
  readonly say: (...records: readonly Omit<FakeRecord, 'connection'>[]) => void;
}

/** A client whose peer allows `streams` of each kind. */
export async function openClient(streams = 100, options: Partial<ConnectOptions> = {}, opened = openedRecord): Promise<ClientFixture> {
  const module = new FakeModule();
  const connecting = new Client(() => module).connect('127.0.0.1:4433', { alpn: ['echo'], ...options });
  await settle();
  const native = module.host;
  const number = native.calls('connect')[0]?.[0] as number;
  const say = (...records: readonly Omit<FakeRecord, 'connection'>[]): void => native.say(...records.map((record) => ({ ...record, connection: number })));
  say(
    { kind: RecordKind.ConnectionOpened, json: opened },
    { kind: RecordKind.StreamsAvailable, stream: streams, word: 0 },
    { kind: RecordKind.StreamsAvailable, stream: streams, word: 1 },
  );
  const connection = await connecting;
  native.forget();
  return { module, native, connection, number, say };
}

export function listenOptions(options: Partial<ListenOptions> = {}): ListenOptions {
  return { alpn: ['echo'], tls: { cert: pem, key: pem }, ...options };
}

export async function openServer(options: Partial<ListenOptions> = {}): Promise<{ module: FakeModule; native: FakeNative; server: QuicServer }> {
  const module = new FakeModule();
  const server = await listenWith(() => module, listenOptions(options), new CallSite(openServer));
  return { module, native: module.host, server };
}

/** A connection of a client's, as the server hears of it. */
export function accept(native: FakeNative, number: number, serverMigration = 0): void {
  native.say(
    { kind: RecordKind.ConnectionOpened, connection: number, json: { ...openedRecord, peer: address('127.0.0.1', 50000 + number), serverMigration } },
    { kind: RecordKind.StreamsAvailable, connection: number, stream: 100 },
    { kind: RecordKind.StreamsAvailable, connection: number, stream: 100, word: 1 },
  );
}

export function closedRecord(record: Partial<ClosedRecord> = {}): ClosedRecord {
  return { kind: 'application', name: 'APPLICATION', wireCode: '0', reason: '', initiator: 'remote', ...record };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it resolved');
}

/** Resolves with what the stream was closed with. */
export function closing(stream: NodeJS.EventEmitter & { readonly errored?: Error | null }): Promise<Error | null> {
  return new Promise((resolve) => stream.once('close', () => resolve(stream.errored ?? null)));
}
