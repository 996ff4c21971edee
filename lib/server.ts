/** The verb `listen` and the server that it makes. */
import { EventEmitter } from 'node:events';
import { type Abortable, Deferred, abortable, checkSignal } from './abort.js';
import { type SocketAddress, formatAddress } from './address.js';
import { type QuicConnection } from './connection.js';
import { diagnostics } from './diagnostics.js';
import { type CallSite, type QuicError, closedError, fromThrown, quicError } from './errors.js';
import { Handoff } from './handoff.js';
import { Host, type HostOwner } from './host.js';
import { Link, type LinkOwner, kConnectionRefused } from './link.js';
import {
  type MigrationPlan,
  type MigrationPlanner,
  type MigrationStatus,
  type MigrationStepOptions,
  type MoveStep,
  type ServerMigrationEvent,
  type ServerMigrationProtocol,
  migrationFailure,
} from './migration.js';
import { type MoveObserver, Mover, type PreparedMigration } from './mover.js';
import { type ClosedRecord, type MigrationRecord, type NativeModule, type NativeQuic, type OpenedRecord } from './native.js';
import { type ListenRequest, listenRequest, maxIncoming, retryPolicy, sharedKeys } from './option-checks.js';
import { type AddressValidation, type ListenOptions, type QlogSink } from './options.js';

export interface QuicServerEvents {
  /** A new connection. With a listener connections go to it; without one they wait for `for await`. */
  connection: [connection: QuicConnection];
  /** A connection attempt failed or was refused before it could be taken. */
  refused: [error: QuicError, peer: SocketAddress | undefined];
  /** A move of this server's, connection by connection. */
  migration: [event: ServerMigrationEvent];
}
/** A snapshot. */
export interface ServerStats {
  /** Open now. */
  readonly connections: number;
  /** Handshakes finished so far. */
  readonly accepted: bigint;
  /** Attempts that failed or were refused so far. */
  readonly refused: bigint;
  /** Clients that moves have told, made ready, brought along, and could not bring along so far, each as often as it happened. */
  readonly migrations: { readonly announced: number; readonly ready: number; readonly completed: number; readonly failed: number };
}

let lastServer = 0;

/** What the server does with what comes from its host. Apart from the public class, so that users do not see it. */
class ServerCore implements HostOwner, LinkOwner, MoveObserver {
  readonly host: Host;
  readonly mover: Mover;
  readonly connections = new Set<QuicConnection>();
  readonly incoming = new Handoff<QuicConnection>(() => undefined);
  readonly closed = new Deferred<void>();
  readonly #name = `server-${++lastServer}`;
  readonly #request: ListenRequest;
  /** Of connections with a qlog, from their first record to their end. */
  readonly #qlogs = new Map<number, QlogSink | undefined>();
  #server: QuicServer | undefined;
  #address: SocketAddress;
  /** `draining`: no new connections, those that are open go on. */
  #state: 'listening' | 'draining' | 'closing' | 'closed' = 'listening';
  #destroyedWith: Error | undefined;
  #accepted = 0n;
  #refused = 0n;
  readonly #migrations = { announced: 0, ready: 0, completed: 0, failed: 0 };

  constructor(module: NativeModule, request: ListenRequest) {
    this.#request = request;
    this.host = new Host(module, 'server', false, this);
    this.mover = new Mover(this.host, request.native, this);
    try {
      this.#address = this.host.native.listen(request.native);
    } catch (error) {
      this.host.close();
      throw error;
    }
    this.host.touch();
  }

  set server(server: QuicServer) {
    this.#server = server;
  }
  get address(): SocketAddress {
    if (!this.host.isClosed && this.#state !== 'closed') this.#address = this.host.native.address();
    return this.#address;
  }
  get stats(): ServerStats {
    return { connections: this.connections.size, accepted: this.#accepted, refused: this.#refused, migrations: { ...this.#migrations } };
  }
  get isServing(): boolean {
    return this.#state === 'listening' || this.#state === 'draining';
  }
  get native(): NativeQuic {
    if (this.#state === 'closed') throw quicError('ERR_QUIC_SERVER_CLOSED');
    return this.host.native;
  }

  /** Gives connections that wait to those who listen. */
  handOut(): void {
    while ((this.#server?.listenerCount('connection') ?? 0) > 0) {
      const connection = this.incoming.take();
      if (connection === undefined) return;
      this.#server?.emit('connection', connection);
    }
  }

  /** No new connections, and each that is open ends in its own way: `how`. */
  close(how: (connection: QuicConnection) => Promise<void>): void {
    if (!this.isServing) return;
    this.#state = 'closing';
    this.host.native.refuse(true);
    this.host.touch();
    this.incoming.end();
    for (const connection of this.incoming.clear()) connection.destroy();
    for (const connection of this.connections) how(connection).catch(() => undefined);
    this.#releaseWhenEmpty();
  }

  /** No new connections; when the last one that is open has ended, everything is released. */
  drain(): void {
    if (this.#state !== 'listening') return;
    this.#state = 'draining';
    this.host.native.beginShutdown();
    this.host.touch();
    this.incoming.end();
    this.#releaseWhenEmpty();
  }

  destroy(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#destroyedWith = error;
    this.incoming.end();
    this.incoming.clear();
    for (const connection of [...this.connections]) connection.destroy(error ?? quicError('ERR_QUIC_SERVER_CLOSED'));
    this.#release();
  }

  // ---- from the host

  onConnection(number: number, record: OpenedRecord, isEarly: boolean): void {
    const { native } = this.#request;
    const isWaiting = (this.#server?.listenerCount('connection') ?? 0) === 0;
    if (this.#state !== 'listening' || (isWaiting && this.incoming.size >= native.backlog)) {
      this.host.native.closeConnection(number, false, kConnectionRefused, '');
      this.host.touch();
      return;
    }
    const identity = {
      number, side: 'server', name: `${this.#name}-${number}`, maxIncoming: maxIncoming(native), datagramBacklog: native.datagramBacklog,
      deliversBeforeResets: native.reliableReset === true,
    } as const;
    const link = new Link(this.host, identity, this);
    // Before the end of the handshake only where there is one protocol.
    if (isEarly) link.onEarlyDataReady({ ...record, alpn: native.alpn[0] ?? '' });
    else link.onOpened(record);
  }
  onRefused(record: ClosedRecord): void {
    this.#refused++;
    const error = closedError(record);
    diagnostics.refused.publish({ server: this.#server, error, peer: record.peer });
    this.#server?.emit('refused', error, record.peer);
  }
  onMove(kind: number, json: unknown): void {
    this.mover.onRecord(kind, json);
  }
  onKeyLog(_connection: number, line: string): void {
    this.#request.keylog?.(line);
  }
  onQlog(connection: number, records: string): void {
    if (!this.#qlogs.has(connection)) this.#beginQlog(connection);
    this.#qlogs.get(connection)?.(records);
  }
  /** The first record asks; where nobody wants them, no more are made. */
  #beginQlog(connection: number): void {
    const sink = this.#request.qlog?.({ id: `${this.#name}-${connection}` });
    this.#qlogs.set(connection, sink);
    if (sink !== undefined) return;
    this.host.native.stopQlog(connection);
    this.host.touch();
  }
  onConnectionGone(connection: number): void {
    this.#qlogs.delete(connection);
  }
  onHostClosed(): void {
    this.#state = 'closed';
    for (const link of [...this.host.links]) link.onHostClosed();
    this.mover.onClosed();
    this.incoming.end();
    if (this.#destroyedWith === undefined) this.closed.resolve();
    else this.closed.reject(this.#destroyedWith);
  }

  // ---- from links

  onLinkOpened({ connection }: Link): void {
    this.#accepted++;
    this.connections.add(connection);
    if ((this.#server?.listenerCount('connection') ?? 0) > 0) this.#server?.emit('connection', connection);
    else this.incoming.offer(connection);
  }
  onLinkOver(link: Link): void {
    const { connection } = link;
    this.connections.delete(connection);
    this.incoming.withdraw(connection);
    this.mover.onConnectionOver(link);
    if (this.#state === 'closing' || this.#state === 'draining') this.#releaseWhenEmpty();
  }
  onMigrationRecord(link: Link, record: MigrationRecord): void {
    this.mover.onConnectionRecord(link, record);
    const event = serverEvent(link.connection, record);
    if (event !== undefined) this.#tell(event);
  }

  // ---- from the mover

  onMemberStep(connection: QuicConnection, type: 'announcing' | 'switching', protocol: ServerMigrationProtocol): void {
    this.#tell({ type, connection, protocol });
  }
  onMoveStep(step: MoveStep): void {
    diagnostics.serverMigration.publish({ server: this.#server, ...step });
  }
  #tell(event: ServerMigrationEvent): void {
    if (event.type === 'announcing') this.#migrations.announced++;
    else if (event.type === 'ready' || event.type === 'completed' || event.type === 'failed') this.#migrations[event.type]++;
    diagnostics.migration.publish({ connection: event.connection, event });
    this.#server?.emit('migration', event);
  }

  #releaseWhenEmpty(): void {
    if (this.connections.size === 0) this.#release();
  }
  #release(): void {
    this.#address = this.address;
    this.#state = 'closed';
    this.host.close();
  }
}

function serverEvent(connection: QuicConnection, { type, protocol, error }: MigrationRecord): ServerMigrationEvent | undefined {
  switch (type) {
    case 'pool-acknowledged':
      return { type, connection };
    case 'ready':
    case 'completed':
      return { type, connection, protocol: protocol ?? 'explicit' };
    case 'failed':
      return { type, connection, error: migrationFailure(error) };
    default:
      return undefined; // a client's
  }
}

/** How `listen` makes its result: users cannot. */
let newServer: (core: ServerCore) => QuicServer;

export class QuicServer extends EventEmitter<QuicServerEvents> implements AsyncDisposable, AsyncIterable<QuicConnection> {
  static {
    newServer = (core) => new QuicServer(core);
  }
  readonly #core: ServerCore;

  private constructor(core: ServerCore) {
    super();
    this.#core = core;
    core.server = this;
    this.on('newListener' as 'connection', (name: unknown) => {
      if (name === 'connection') process.nextTick(() => core.handOut());
    });
  }

  /** Where the server listens; another after a move. */
  get address(): SocketAddress {
    return this.#core.address;
  }
  /** Connections that are open, taken or not. */
  get connections(): ReadonlySet<QuicConnection> {
    return this.#core.connections;
  }
  /** Connections whose handshake is finished, once each, to whoever iterates. Ends when the server closes. */
  [Symbol.asyncIterator](): AsyncIterableIterator<QuicConnection> {
    return this.#core.incoming.iterate();
  }

  /**
   * Step 1 of a move: freezes handshakes, tells each client, and resolves when every connection is ready, closed or left
   * out, at the latest after `deadline` (default 10 000 ms). Nothing is sent when the planner throws. An abort, and disposal
   * of the result, lift the freeze.
   */
  async prepareMigration(plan: MigrationPlan | MigrationPlanner, options?: MigrationStepOptions): Promise<PreparedMigration> {
    if (!this.#core.isServing) throw quicError('ERR_QUIC_SERVER_CLOSED');
    return this.#core.mover.prepare(plan, options);
  }
  /** How far a move is, and what each connection waits for. */
  migrationStatus(): MigrationStatus {
    return this.#core.mover.status;
  }

  /** From now on: see the option of `listen`. */
  setAddressValidation(validation: AddressValidation): void {
    this.#core.native.setRetryPolicy(retryPolicy(validation));
    this.#core.host.touch();
  }
  /**
   * From now on: see the option of `listen`. To rotate secrets that processes share, give all of them the new one as the second first,
   * and as the first later; drop the old one when no ticket (24 h) or token of it is left. Stateless resets stay with the first
   * secret that the server began with: clients have been told what it derives.
   */
  setSecrets(secrets: readonly [Uint8Array, ...Uint8Array[]]): void {
    this.#core.native.setSharedKeys(sharedKeys(secrets));
    this.#core.host.touch();
  }

  /**
   * Takes no more connections; those that are open go on until either side ends them, and can still be moved. Then the socket is
   * released. An abort destroys what is left. `close()` is for who does not want to wait for idle clients.
   *
   * To hand an address over to another process: move to another port, drain, and let the other one listen with the same `secrets` where
   * this one was. Clients that can follow go along; the others are told to reconnect, and resume their sessions there.
   */
  async drain({ signal }: Abortable = {}): Promise<void> {
    checkSignal(signal);
    this.#core.drain();
    await abortable(this.#core.closed.promise, signal, () => this.destroy());
  }

  /**
   * Takes no more connections, closes those that are open as their streams finish, then releases the socket. An abort
   * destroys what is left.
   */
  async close({ signal }: Abortable = {}): Promise<void> {
    checkSignal(signal);
    this.#core.close((connection) => connection.close());
    await abortable(this.#core.closed.promise, signal, () => this.destroy());
  }
  /** Closes every connection now, with `error` as the reason. */
  destroy(error?: Error): void {
    this.#core.destroy(error);
  }
  /** Settles when nothing is left. Rejects with what destroyed it. */
  get closed(): Promise<void> {
    return this.#core.closed.promise;
  }
  stats(): ServerStats {
    return this.#core.stats;
  }
  /** Closes: streams that were ended are delivered, all others are reset. Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#core.close((connection) => connection[Symbol.asyncDispose]());
    await this.#core.closed.promise.catch(() => undefined);
  }
}

/** `listen` with the native module to use. */
export async function listenWith(load: () => NativeModule, options: ListenOptions, site: CallSite): Promise<QuicServer> {
  try {
    const request = listenRequest(options);
    const module = load();
    try {
      return newServer(new ServerCore(module, request));
    } catch (error) {
      throw fromThrown(error, formatAddress(request.native));
    }
  } catch (error) {
    throw error instanceof Error ? site.adopt(error) : error;
  }
}

