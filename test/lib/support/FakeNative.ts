/**
 * A native side without a network: it writes down every command and says only what a test tells it to say. What it cannot
 * show is whether the real one keeps its side of the contract; test/lib/real is for that.
 */
import {
  type NativeAddress,
  type NativeConnectOptions,
  type NativeListenOptions,
  type NativeModule,
  type NativePlan,
  type NativeQuic,
  type NativeRetryPolicy,
  type NativeSharedKeys,
  type OnBatch,
  type OpenedRecord,
  RECORD_WORDS,
  type RecordKind,
} from '../../../lib/native.js';

export interface Command {
  readonly name: string;
  readonly args: readonly unknown[];
}
export interface FakeRecord {
  readonly kind: RecordKind;
  readonly connection?: number;
  readonly stream?: number;
  readonly code?: bigint;
  readonly bytes?: Uint8Array;
  readonly json?: unknown;
  readonly word?: number;
}

export const address = (host: string, port: number): NativeAddress => ({ family: host.includes(':') ? 'IPv6' : 'IPv4', host, port });

export const openedRecord: OpenedRecord = {
  alpn: 'echo',
  certificate: '',
  serverMigration: 0,
  version: 1,
  cipher: 'TLS_AES_128_GCM_SHA256',
  isResumed: false,
  earlyData: 'none',
  serverName: '',
  datagramLimit: 0,
  local: address('127.0.0.1', 50000),
  peer: address('127.0.0.1', 4433),
};

export class FakeNative implements NativeQuic {
  readonly commands: Command[] = [];
  /** What the next call of this method throws. */
  readonly throwAt = new Map<string, Error>();
  boundTo = address('127.0.0.1', 4433);
  readonly role: 'client' | 'server';
  readonly #onBatch: OnBatch;
  readonly #words = new Uint32Array(RECORD_WORDS * 4096);

  constructor(role: 'client' | 'server', _threaded: boolean, onBatch: OnBatch) {
    this.role = role;
    this.#onBatch = onBatch;
  }

  /** Records in one batch, as one wake. */
  say(...records: readonly FakeRecord[]): void {
    const chunks: Uint8Array[] = [];
    let offset = 0;
    this.#words.fill(0);
    records.forEach((record, index) => {
      const bytes = record.json === undefined ? (record.bytes ?? new Uint8Array(0)) : Buffer.from(JSON.stringify(record.json));
      const code = record.code ?? 0n;
      const isCode = record.code !== undefined;
      this.#words.set(
        [record.kind, record.connection ?? 0, 0, record.stream ?? 0, 0, isCode ? Number(code & 0xffffffffn) : offset, isCode ? Number(code >> 32n) : bytes.byteLength, record.word ?? 0],
        index * RECORD_WORDS,
      );
      chunks.push(bytes);
      offset += bytes.byteLength;
    });
    this.#onBatch(this.#words, records.length, new Uint8Array(Buffer.concat(chunks)));
  }

  /** Commands of this name, oldest first, their arguments only. */
  calls(name: string): readonly (readonly unknown[])[] {
    return this.commands.filter((command) => command.name === name).map(({ args }) => args);
  }
  /** Names of all commands, flushes left out. */
  get names(): readonly string[] {
    return this.commands.map(({ name }) => name).filter((name) => name !== 'flush');
  }
  forget(): void {
    this.commands.length = 0;
  }

  #note(name: string, ...args: readonly unknown[]): void {
    const error = this.throwAt.get(name);
    this.throwAt.delete(name);
    if (error !== undefined) throw error;
    this.commands.push({ name, args });
  }
  listen(options: NativeListenOptions): NativeAddress {
    this.#note('listen', options);
    return this.boundTo;
  }
  connect(connection: number, options: NativeConnectOptions): void {
    this.#note('connect', connection, options);
  }
  streamWrite(connection: number, stream: number, bytes: Uint8Array, fin: boolean): void {
    this.#note('streamWrite', connection, stream, Buffer.from(bytes).toString('latin1'), fin);
  }
  streamWritev(connection: number, stream: number, chunks: readonly Uint8Array[], fin: boolean): void {
    this.#note('streamWritev', connection, stream, chunks.map((chunk) => Buffer.from(chunk).toString('latin1')), fin);
  }
  streamConsume(connection: number, stream: number, bytes: number): void {
    this.#note('streamConsume', connection, stream, bytes);
  }
  streamReset(connection: number, stream: number, code: bigint): void {
    this.#note('streamReset', connection, stream, code);
  }
  streamStop(connection: number, stream: number, code: bigint): void {
    this.#note('streamStop', connection, stream, code);
  }
  streamResetAt(connection: number, stream: number, code: bigint, reliableSize: number): void {
    this.#note('streamResetAt', connection, stream, code, reliableSize);
  }
  streamPriority(connection: number, stream: number, urgency: number, incremental: boolean): void {
    this.#note('streamPriority', connection, stream, urgency, incremental);
  }
  sendDatagram(connection: number, datagram: number, bytes: Uint8Array, isWatched: boolean, urgency: number, lifetime: number): void {
    this.#note('sendDatagram', connection, datagram, Buffer.from(bytes).toString('latin1'), isWatched, urgency, lifetime);
  }
  updateKeys(connection: number, request: number): void {
    this.#note('updateKeys', connection, request);
  }
  migrate(connection: number, request: number, local: { readonly host: string; readonly port: number }, probe: boolean): void {
    this.#note('migrate', connection, request, local, probe);
  }
  exportKeyingMaterial(connection: number, request: number, label: string, context: Uint8Array, size: number): void {
    this.#note('exportKeyingMaterial', connection, request, label, Buffer.from(context).toString('latin1'), size);
  }
  closeConnection(connection: number, application: boolean, code: bigint, reason: string): void {
    this.#note('closeConnection', connection, application, code, reason);
  }
  stats(connection: number, request: number): void {
    this.#note('stats', connection, request);
  }
  stopQlog(connection: number): void {
    this.#note('stopQlog', connection);
  }
  startProbing(connection: number): void {
    this.#note('startProbing', connection);
  }
  prepareMigration(plans: readonly NativePlan[], deadline: number): void {
    this.#note('prepareMigration', plans, deadline);
  }
  networkSwitched(to: { readonly host: string; readonly port: number } | undefined, deadline: number): void {
    this.#note('networkSwitched', to, deadline);
  }
  cancelMigration(): void {
    this.#note('cancelMigration');
  }
  address(): NativeAddress {
    return this.boundTo;
  }
  refuse(refuse: boolean): void {
    this.#note('refuse', refuse);
  }
  beginShutdown(): void {
    this.#note('beginShutdown');
  }
  setRetryPolicy(policy: NativeRetryPolicy): void {
    this.#note('setRetryPolicy', policy);
  }
  setSharedKeys(keys: NativeSharedKeys): void {
    this.#note('setSharedKeys', keys);
  }
  thaw(frozenFor: number): void {
    this.#note('thaw', frozenFor);
  }
  ref(): void {
    this.#note('ref');
  }
  unref(): void {
    this.#note('unref');
  }
  flush(): void {
    this.#note('flush');
  }
  close(): void {
    this.#note('close');
  }
}

/** A module whose hosts can be looked at. */
export class FakeModule implements NativeModule {
  readonly tlsVersion = 'none';
  readonly hosts: FakeNative[] = [];
  /** What the next host's `listen` throws. */
  listenError: Error | undefined;
  readonly NativeQuic: NativeModule['NativeQuic'];

  constructor() {
    const { hosts } = this;
    const takeError = (): Error | undefined => this.listenError;
    this.NativeQuic = class extends FakeNative {
      constructor(role: 'client' | 'server', threaded: boolean, onBatch: OnBatch) {
        super(role, threaded, onBatch);
        hosts.push(this);
        const error = takeError();
        if (error !== undefined) this.throwAt.set('listen', error);
      }
    };
  }
  get host(): FakeNative {
    const host = this.hosts.at(-1);
    if (host === undefined) throw new Error('no host was made');
    return host;
  }
}
