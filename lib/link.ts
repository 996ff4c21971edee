/**
 * One connection between the native side and its public face, from the first command to the last record. It owns the
 * channels of its streams and decides when the connection is over; nothing here knows Node's streams.
 *
 * A link is `opening` (clients only), `open`, `closing` (no new streams; CONNECTION_CLOSE goes when the last stream is
 * done), `closed` (CONNECTION_CLOSE was commanded) and `over` (the native side has forgotten the connection).
 */
import { types } from 'node:util';
import { Deferred, abortable, checkSignal } from './abort.js';
import { Channel } from './channel.js';
import { type CloseOptions, type HandshakeInfo, type MigrateOptions, type Path, type QuicConnection, newConnection } from './connection.js';
import { LinkDatagrams } from './datagrams.js';
import { diagnostics } from './diagnostics.js';
import { QuicError, closedError, fromThrown, invalidArgument, isClean, quicError, toWireCode, wireCodeOf } from './errors.js';
import { Handoff } from './handoff.js';
import { type Host, numberAt } from './host.js';
import { frozenPath, handshakeInfo, migrateRequest } from './link-facts.js';
import { LinkMigration } from './link-migration.js';
import { type ClosedRecord, type MigrationRecord, type OpenedRecord, type PathRecord, RecordKind, type StatsRecord } from './native.js';
import { StreamOpener, kInitiatedByServer } from './opener.js';
import { type StreamPriority, checkPriority, kDefaultUrgency } from './priority.js';
import { Requests } from './requests.js';
import { SessionKeeper } from './session.js';
import { type ConnectionStats, connectionStats } from './stats.js';
import { type OpenStreamOptions, type QuicReceiveStream, type QuicSendStream, type QuicStream, newQuicStream, newReceiveStream, newSendStream } from './streams.js';
import { integer, text } from './validate.js';

/** Who made the link, and wants to know how it goes. */
export interface LinkOwner {
  onLinkOpened(link: Link): void;
  /** `error` is undefined when the connection was closed cleanly. */
  onLinkOver(link: Link, error: QuicError | undefined): void;
  onMigrationRecord?(link: Link, record: MigrationRecord): void;
}

/** Transport codes that we command (RFC 9000 §20.1). */
export const kNoError = 0n;
export const kConnectionRefused = 2n;

const kNothing = new Uint8Array(0);
const kNoOptions: OpenStreamOptions = {};

function bigintAt(words: Uint32Array, index: number): bigint {
  return BigInt(words[index] as number) | (BigInt(words[index + 1] as number) << 32n);
}

/** What is known of a connection before its handshake. */
export interface LinkIdentity {
  readonly number: number;
  readonly side: 'client' | 'server';
  readonly name: string;
  /** Streams of the peer's that may wait to be taken; more are refused. */
  readonly maxIncoming: number;
  /** Datagrams held for a slow reader. */
  readonly datagramBacklog: number | undefined;
  /** What was received of a stream is read before its reset is told. */
  readonly deliversBeforeResets: boolean;
}

export class Link {
  readonly host: Host;
  readonly number: number;
  readonly side: 'client' | 'server';
  readonly name: string;
  readonly deliversBeforeResets: boolean;
  readonly #maxIncoming: number;
  readonly #datagramBacklog: number | undefined;
  readonly #owner: LinkOwner;
  readonly #opener: StreamOpener;
  readonly #channels = new Map<number, Channel>();
  readonly #incoming = new Handoff<Channel>((channel) => this.#onTaken(channel));
  #state: 'opening' | 'open' | 'closing' | 'closed' | 'over' = 'opening';
  #opened: OpenedRecord | undefined;
  #path: Path | undefined;
  #connection: QuicConnection | undefined;
  #migration: LinkMigration | undefined;
  #closeWith = { code: 0n, reason: '' };
  /** What the application destroyed the connection with. */
  #destroyedWith: Error | undefined;
  /** Why nothing can be done any more. */
  #error: Error | undefined;
  /** What `closed` rejects with. */
  #failure: Error | undefined;
  #closed: Deferred<void> | undefined;
  #requests: Requests | undefined;
  #datagrams: LinkDatagrams | undefined;
  #session: SessionKeeper | undefined;
  /** With early data, before the handshake is complete. */
  #isEarly = false;
  #handshakeComplete: Deferred<void> | undefined;

  constructor(host: Host, { number, side, name, maxIncoming, datagramBacklog, deliversBeforeResets }: LinkIdentity, owner: LinkOwner) {
    this.host = host;
    this.number = number;
    this.side = side;
    this.name = name;
    this.#maxIncoming = maxIncoming;
    this.#datagramBacklog = datagramBacklog;
    this.deliversBeforeResets = deliversBeforeResets;
    this.#owner = owner;
    this.#opener = new StreamOpener(side);
    host.add(this);
  }

  // ---- nouns

  get connection(): QuicConnection {
    this.#connection ??= newConnection(this);
    return this.#connection;
  }
  get alpn(): string {
    return this.#opened?.alpn ?? '';
  }
  get path(): Path {
    return this.#path as Path;
  }
  get peerCertificate(): Uint8Array | undefined {
    const certificate = this.#opened?.certificate ?? '';
    return certificate === '' ? undefined : Buffer.from(certificate, 'base64');
  }
  get handshake(): HandshakeInfo {
    return handshakeInfo(this.#opened as OpenedRecord);
  }
  get handshakeComplete(): Promise<void> {
    if (this.#handshakeComplete === undefined) {
      this.#handshakeComplete = new Deferred();
      if (this.#opened !== undefined && !this.#isEarly) this.#handshakeComplete.resolve();
      else if (this.isOver) this.#handshakeComplete.reject(this.error);
    }
    return this.#handshakeComplete.promise;
  }
  get datagrams(): LinkDatagrams {
    this.#datagrams ??= new LinkDatagrams(this, this.#datagramBacklog);
    return this.#datagrams;
  }
  get serverMigration(): LinkMigration | undefined {
    return this.#migration;
  }
  get isOpen(): boolean {
    return this.#state === 'open';
  }
  get isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'over';
  }
  get error(): Error {
    return this.#error ?? quicError('ERR_QUIC_CONNECTION_CLOSED');
  }
  get closed(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = new Deferred();
      if (this.#state === 'over') this.#settleClosed();
    }
    return this.#closed.promise;
  }
  get incomingStreams(): AsyncIterable<QuicStream | QuicReceiveStream> {
    return { [Symbol.asyncIterator]: () => this.#iterateIncoming() };
  }

  // ---- verbs

  async openStream(isUnidirectional: boolean, options: OpenStreamOptions = kNoOptions): Promise<QuicStream | QuicSendStream> {
    checkSignal(options.signal);
    if (options.priority !== undefined) checkPriority(options.priority);
    if (this.#state !== 'open') throw this.#error ?? quicError('ERR_QUIC_CONNECTION_CLOSED');
    const id = this.#opener.tryOpen(isUnidirectional) ?? (await this.#opener.wait(isUnidirectional, options, this.openStream));
    if (this.isOver) throw this.error;
    const channel = new Channel(this, id, 'local');
    this.#channels.set(id, channel);
    if (options.priority !== undefined) this.prioritize(channel, options.priority);
    return isUnidirectional ? newSendStream(channel) : newQuicStream(channel);
  }

  /** Gives streams that wait to those who listen. */
  handOut(): void {
    while (this.connection.listenerCount('stream') > 0) {
      const channel = this.#incoming.take();
      if (channel === undefined) return;
      this.connection.emit('stream', channel.receiver as QuicStream | QuicReceiveStream);
    }
  }

  /** Nobody shall get this stream any more. */
  withdraw(channel: Channel): void {
    this.#incoming.withdraw(channel);
  }

  async close(options: CloseOptions = {}): Promise<void> {
    const { code = 0n, reason = '', signal } = options;
    const wireCode = toWireCode(code);
    if (typeof reason !== 'string') throw invalidArgument('`reason` must be a string');
    checkSignal(signal);
    if (this.#state === 'over') return;
    if (this.#state === 'opening' || this.#state === 'open') {
      this.#state = 'closing';
      this.#closeWith = { code: wireCode, reason };
      this.#opener.fail(() => quicError('ERR_QUIC_CONNECTION_CLOSED'));
      this.#discardIncoming();
      this.#closeWhenDone();
    }
    await abortable(this.closed, signal, () => this.destroy());
  }

  destroy(error?: Error): void {
    if (this.isOver) return;
    const reason = error instanceof QuicError ? error.reason : '';
    this.#destroyedWith = error;
    this.#command(true, wireCodeOf(error), reason);
    const cause = error ?? quicError('ERR_QUIC_CONNECTION_CLOSED');
    this.#error = cause;
    this.#failEverything(cause);
  }

  /** A server that takes no more connections. */
  refuse(): void {
    this.#command(false, kConnectionRefused, '');
  }

  async dispose(): Promise<void> {
    this.#discardIncoming();
    for (const channel of this.#channels.values()) channel.abandon();
    await this.close().catch(() => undefined);
  }

  // ---- verbs that are answered

  stats(): Promise<ConnectionStats> {
    return this.#ask((request) => this.host.native.stats(this.number, request), this.stats);
  }
  updateKeys(): Promise<void> {
    return this.#ask((request) => this.host.native.updateKeys(this.number, request), this.updateKeys).then(() => undefined);
  }
  async exportKeyingMaterial(length: number, label: string, context: Uint8Array = kNothing): Promise<Uint8Array> {
    integer(1, 255)(length, 'length');
    text(label, 'label');
    if (!types.isUint8Array(context)) throw invalidArgument('`context` must be a Uint8Array');
    return this.#ask((request) => this.host.native.exportKeyingMaterial(this.number, request, label, context, length), this.exportKeyingMaterial);
  }
  async migrate(options: MigrateOptions): Promise<Path> {
    const { local, probe, signal } = migrateRequest(options);
    if (this.side !== 'client') throw quicError('ERR_QUIC_INVALID_STATE', 'only clients migrate; servers have prepareMigration()');
    checkSignal(signal);
    const moved = this.#ask<Uint8Array>((request) => this.host.native.migrate(this.number, request, local, probe), this.migrate);
    return frozenPath(JSON.parse(Buffer.from(await abortable(moved, signal, () => undefined)).toString()) as PathRecord);
  }

  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  async #ask<T>(ask: (request: number) => void, call: Function): Promise<T> {
    if (this.isOver) throw this.error;
    this.#requests ??= new Requests();
    const answer = this.#requests.make<T>(ask, call);
    this.host.touch();
    return answer;
  }

  startProbing(): void {
    if (this.isOver) throw this.error;
    try {
      this.host.native.startProbing(this.number);
    } catch (error) {
      throw fromThrown(error);
    }
    this.host.touch();
  }

  // ---- commands of channels

  write(channel: Channel, bytes: Uint8Array, isLast: boolean): void {
    if (!channel.isAnnounced) this.#announce(channel, channel.id - 4);
    this.host.native.streamWrite(this.number, channel.id, bytes, isLast);
    this.host.touch();
  }
  writev(channel: Channel, chunks: readonly Uint8Array[], isLast: boolean): void {
    if (!channel.isAnnounced) this.#announce(channel, channel.id - 4);
    this.host.native.streamWritev(this.number, channel.id, chunks, isLast);
    this.host.touch();
  }
  consume(channel: Channel, bytes: number): void {
    if (this.isOver) return;
    this.host.native.streamConsume(this.number, channel.id, bytes);
    this.host.touch();
  }
  reset(channel: Channel, code: bigint): void {
    if (this.isOver) return;
    if (!channel.isAnnounced) this.#announce(channel, channel.id);
    this.host.native.streamReset(this.number, channel.id, code);
    this.host.touch();
  }
  stop(channel: Channel, code: bigint): void {
    if (this.isOver) return;
    if (!channel.isAnnounced) this.#announce(channel, channel.id);
    this.host.native.streamStop(this.number, channel.id, code);
    this.host.touch();
  }

  resetAt(channel: Channel, code: bigint, reliableSize: number): void {
    if (this.isOver) return;
    if (!channel.isAnnounced) this.#announce(channel, channel.id);
    this.host.native.streamResetAt(this.number, channel.id, code, reliableSize);
    this.host.touch();
  }
  prioritize(channel: Channel, priority: StreamPriority): void {
    checkPriority(priority);
    if (this.isOver) return;
    if (!channel.isAnnounced) this.#announce(channel, channel.id);
    this.host.native.streamPriority(this.number, channel.id, priority.urgency ?? kDefaultUrgency, priority.incremental ?? true);
    this.host.touch();
  }
  sendDatagram(datagram: number, payload: Uint8Array, isWatched: boolean, urgency: number, lifetime: number): void {
    this.host.native.sendDatagram(this.number, datagram, payload, isWatched, urgency, lifetime);
    this.host.touch();
  }

  /** The native side opens a stream when its id is the next: those before it are opened with nothing in them. */
  #announce(channel: Channel, upTo: number): void {
    channel.isAnnounced = true;
    this.#opener.announce(upTo, (id) => {
      const before = this.#channels.get(id);
      if (before !== undefined) before.isAnnounced = true;
      this.host.native.streamWrite(this.number, id, kNothing, false);
    });
    if (upTo < channel.id) this.#opener.announce(channel.id, () => undefined);
  }

  // ---- records

  /** Streams may be opened, and are sent along with the handshake. */
  onEarlyDataReady(record: OpenedRecord): void {
    if (this.#state !== 'opening') return;
    this.#isEarly = true;
    this.#open(record);
    this.#owner.onLinkOpened(this);
  }

  onOpened(record: OpenedRecord): void {
    const wasEarly = this.#isEarly;
    if (this.#state !== 'opening' && !wasEarly) return;
    this.#isEarly = false;
    this.#open(record);
    if (record.serverMigration !== 0) this.#migration = new LinkMigration(this, record.serverMigration);
    this.#handshakeComplete?.resolve();
    diagnostics.connection.publish({ connection: this.connection });
    if (!wasEarly) this.#owner.onLinkOpened(this);
  }

  #open(record: OpenedRecord): void {
    if (this.#state === 'opening') this.#state = 'open';
    this.#opened = record;
    this.#path = frozenPath(record);
    if (record.datagramLimit > 0 || this.#datagrams !== undefined) this.datagrams.onLimit(record.datagramLimit);
  }

  onClosed(record: ClosedRecord): void {
    if (this.#state === 'over') return;
    const wasCommanded = this.#state === 'closed';
    this.#over(wasCommanded || isClean(record) ? undefined : closedError(record), wasCommanded ? undefined : closedError(record));
  }

  /** The host is gone, and every connection with it. */
  onHostClosed(): void {
    if (this.#state === 'over') return;
    this.#over(this.#state === 'closed' ? undefined : quicError('ERR_QUIC_SERVER_CLOSED'), quicError('ERR_QUIC_SERVER_CLOSED'));
  }

  onStreamRecord(words: Uint32Array, base: number, bytes: Uint8Array): void {
    const id = numberAt(words, base + 3);
    const kind = words[base] as number;
    if (kind === RecordKind.StreamOpened) {
      this.#onStreamOpened(id);
      return;
    }
    const channel = this.#channels.get(id);
    if (channel === undefined || this.isOver) return;
    switch (kind) {
      case RecordKind.StreamData:
        channel.onData(bytes, words[base + 5] as number, words[base + 6] as number, words[base + 7] === 1);
        return;
      case RecordKind.StreamReset:
        channel.onReset(bigintAt(words, base + 5));
        return;
      case RecordKind.StreamStopped:
        channel.onStopped(bigintAt(words, base + 5));
        return;
      case RecordKind.StreamWritable:
        channel.onWritable();
        return;
      case RecordKind.StreamSendComplete:
        channel.onSendComplete();
        return;
      case RecordKind.StreamClosed:
        this.#channels.delete(id);
        channel.onClosed();
        if (this.#state === 'closing') this.#closeWhenDone();
        return;
      default:
    }
  }

  onStreamsAvailable(isUnidirectional: boolean, count: number): void {
    this.#opener.allow(isUnidirectional, count);
  }

  onFact(kind: number, json: unknown, word: number): void {
    if (kind === RecordKind.Stats) this.#requests?.resolve(word, connectionStats(json as StatsRecord));
    else if (this.#connection === undefined || this.#state === 'over') return;
    else if (kind === RecordKind.PathChanged) this.#onPathChanged(json as PathRecord);
    else if (this.side === 'server') this.#owner.onMigrationRecord?.(this, json as MigrationRecord);
    else this.#migration?.onRecord(json as MigrationRecord);
  }

  /** `bytes` is the link's own. */
  onAnswer(request: number, isDone: boolean, bytes: Uint8Array): void {
    if (isDone) this.#requests?.resolve(request, bytes);
    else this.#requests?.reject(request, JSON.parse(Buffer.from(bytes).toString()) as ClosedRecord);
  }

  /** A ticket, or a token: `bytes` is the link's own. */
  onSessionPart(kind: number, bytes: Uint8Array): void {
    if (this.#state === 'over') return;
    this.#session ??= new SessionKeeper();
    if (kind === RecordKind.SessionTicket) this.#session.onTicket(bytes);
    else this.#session.onToken(bytes);
    this.offerSession();
  }

  /** A ticket may come with the handshake's last flight, before `connect` has handed out the connection: it waits for a listener. */
  offerSession(): void {
    if (this.#state === 'over' || this.connection.listenerCount('session') === 0) return;
    const session = this.#session?.take();
    if (session) this.connection.emit('session', session);
  }

  #onStreamOpened(id: number): void {
    const channel = new Channel(this, id, 'remote');
    const isOurs = ((id & kInitiatedByServer) !== 0) === (this.side === 'server');
    if (isOurs || this.#channels.has(id)) return;
    const stream = channel.isUnidirectional ? newReceiveStream(channel) : newQuicStream(channel);
    this.#channels.set(id, channel);
    if (this.#state !== 'open' || this.#incoming.size >= this.#maxIncoming) {
      stream.destroy();
    } else if (this.connection.listenerCount('stream') > 0 && this.#incoming.size === 0) {
      this.#onTaken(channel);
      this.connection.emit('stream', stream);
    } else {
      this.#incoming.offer(channel);
    }
  }

  /** For a stream that only the peer writes this is what lets the peer open another: see `streamConsume`. */
  #onTaken(channel: Channel): void {
    channel.isTaken = true;
    if (channel.isUnidirectional) this.consume(channel, 0);
  }

  #iterateIncoming(): AsyncIterableIterator<QuicStream | QuicReceiveStream> {
    const channels = this.#incoming.iterate();
    const face = ({ value, done }: IteratorResult<Channel>): IteratorResult<QuicStream | QuicReceiveStream> =>
      done === true ? { value: undefined, done } : { value: (value as Channel).receiver as QuicStream | QuicReceiveStream, done: false };
    const iterator: AsyncIterableIterator<QuicStream | QuicReceiveStream> = {
      next: () => channels.next().then(face),
      return: () => (channels.return?.() ?? Promise.resolve({ value: undefined, done: true })).then(face),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #onPathChanged(record: PathRecord): void {
    this.#path = frozenPath(record);
    diagnostics.path.publish({ connection: this.connection, path: this.#path });
    this.connection.emit('pathChanged', this.#path);
  }

  // ---- the end

  #closeWhenDone(): void {
    if (this.#channels.size > 0) return;
    this.#command(true, this.#closeWith.code, this.#closeWith.reason);
  }

  #command(isApplication: boolean, code: bigint, reason: string): void {
    this.#state = 'closed';
    this.host.native.closeConnection(this.number, isApplication, code, reason);
    this.host.touch();
  }

  #discardIncoming(): void {
    for (const channel of this.#incoming.clear()) channel.receiver?.destroy();
  }

  #failEverything(error: Error): void {
    this.#opener.fail(() => error);
    for (const channel of this.#channels.values()) channel.onConnectionLost(error);
    this.#channels.clear();
    this.#incoming.end();
    this.#requests?.fail(error);
    this.#datagrams?.end();
    this.#handshakeComplete?.reject(error);
  }

  /** `error`: why, if it was no clean end. `because`: the same for those who still wanted something. */
  #over(error: QuicError | undefined, because: QuicError | undefined): void {
    this.#state = 'over';
    this.#error ??= because;
    this.#failure = this.#destroyedWith ?? error;
    this.host.remove(this);
    this.#failEverything(this.error);
    this.#settleClosed();
    if (this.#opened !== undefined) diagnostics.closed.publish({ connection: this.connection, error: this.#failure });
    this.#owner.onLinkOver(this, error);
  }

  #settleClosed(): void {
    if (this.#failure === undefined) this.#closed?.resolve();
    else this.#closed?.reject(this.#failure);
  }
}
