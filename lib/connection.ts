/** A connection as users see it: a thin face of a Link. */
import { EventEmitter } from 'node:events';
import { type Abortable } from './abort.js';
import { type Address, type SocketAddress } from './address.js';
import { type Datagrams } from './datagrams.js';
import { type ErrorCodeInput } from './errors.js';
import { type Link } from './link.js';
import { type ClientMigrationEvent, type NegotiatedServerMigration } from './migration.js';
import { type ConnectionStats } from './stats.js';
import { type OpenStreamOptions, type QuicReceiveStream, type QuicSendStream, type QuicStream } from './streams.js';

/** Events are facts you may ignore. Whatever must not be lost is a promise, an iterable or a stream. */
export interface QuicConnectionEvents {
  /** A stream that the peer opened. With a listener streams go to it; without one they wait for `incomingStreams`. */
  stream: [stream: QuicStream | QuicReceiveStream];
  /** The connection goes on over other addresses. */
  pathChanged: [path: Path];
  /**
   * Client: what `connect` may be given as `session` next time; the last one is the best. Opaque, and worth protecting. The newest
   * waits for a listener.
   */
  session: [session: Uint8Array];
  /** Client: a move of the server's, step by step. */
  migration: [event: ClientMigrationEvent];
}
export interface Path {
  readonly local: SocketAddress;
  readonly peer: SocketAddress;
}
export interface CloseOptions extends Abortable {
  /** The application's code for the peer. Default 0: no error. */
  readonly code?: ErrorCodeInput;
  /** A reason phrase for the peer. */
  readonly reason?: string;
}
/** How the handshake went. `earlyData` is `'pending'` on a client until the server has answered. */
export interface HandshakeInfo {
  /** 1, 2, or the 32-bit number of another version. */
  readonly version: number;
  /** Of TLS, by its IANA name. */
  readonly cipher: string;
  /** With a ticket: no certificate was exchanged now. */
  readonly isResumed: boolean;
  readonly earlyData: 'none' | 'pending' | 'accepted' | 'rejected';
  /** Server: the name that the client asked for (SNI). */
  readonly serverName: string | undefined;
}
export interface MigrateOptions extends Abortable {
  /** An IP address and a port of this machine; port 0 is any. */
  readonly localAddress: Address;
  /** Go only when the server was reached from there. Default true; false leaves at once, as when a NAT gives out a new port. */
  readonly probe?: boolean;
}

/** How links make their faces: users cannot. */
export let newConnection: (link: Link) => QuicConnection;

export class QuicConnection extends EventEmitter<QuicConnectionEvents> implements AsyncDisposable {
  static {
    newConnection = (link) => new QuicConnection(link);
  }
  readonly #link: Link;

  private constructor(link: Link) {
    super();
    this.#link = link;
    this.on('newListener' as 'stream', (name: unknown) => {
      if (name === 'stream') process.nextTick(() => link.handOut());
      if (name === 'session') process.nextTick(() => link.offerSession());
    });
  }

  get side(): 'client' | 'server' {
    return this.#link.side;
  }
  /** Stable for the life of the connection, whatever the path or the connection IDs do; unique in this process. */
  get id(): string {
    return this.#link.name;
  }
  /** The application protocol that was negotiated. */
  get alpn(): string {
    return this.#link.alpn;
  }
  get path(): Path {
    return this.#link.path;
  }
  /** DER, for `new X509Certificate()`; `undefined` when the peer sent none. */
  get peerCertificate(): Uint8Array | undefined {
    return this.#link.peerCertificate;
  }
  /** As of now. */
  get handshake(): HandshakeInfo {
    return this.#link.handshake;
  }
  /**
   * Resolves when the handshake is complete: before that only a client with early data has its connection. Rejects with what ended
   * the connection.
   */
  get handshakeComplete(): Promise<void> {
    return this.#link.handshakeComplete;
  }
  /** What was negotiated at the handshake; `undefined` when server migration is off. */
  get serverMigration(): NegotiatedServerMigration | undefined {
    return this.#link.serverMigration;
  }

  /**
   * Opens a stream in both directions. Resolves at once while the peer allows one more, else when it does. The peer hears
   * of the stream with its first bytes. Aborted while it waits, it has spent nothing.
   */
  openStream(options?: OpenStreamOptions): Promise<QuicStream> {
    return this.#link.openStream(false, options) as Promise<QuicStream>;
  }
  /** The same for a stream that only we write. */
  openUnidirectionalStream(options?: OpenStreamOptions): Promise<QuicSendStream> {
    return this.#link.openStream(true, options) as Promise<QuicSendStream>;
  }
  /** Streams the peer opens, once each. Not iterating is back-pressure: the peer's stream limit is not raised. */
  get incomingStreams(): AsyncIterable<QuicStream | QuicReceiveStream> {
    return this.#link.incomingStreams;
  }

  /** Small messages outside of streams (RFC 9221), where both sides take them: see `limits.datagramSize`. */
  get datagrams(): Datagrams {
    return this.#link.datagrams;
  }

  /**
   * Client: goes on from another local address (RFC 9000 §9), once the handshake is confirmed. Resolves when the new path is
   * validated. Rejects with ERR_QUIC_NO_VIABLE_PATH when the server is not reached from there (the old path goes on), and with
   * ERR_QUIC_MIGRATION_FORBIDDEN when the server has asked clients to stay.
   */
  migrate(options: MigrateOptions): Promise<Path> {
    return this.#link.migrate(options);
  }
  /**
   * Takes new keys (RFC 9001 §6), once the handshake is confirmed. Resolves when the peer has followed. Rejects with
   * ERR_QUIC_KEY_UPDATE_NOT_READY while another update is waiting or under way.
   */
  updateKeys(): Promise<void> {
    return this.#link.updateKeys();
  }
  /** Secret bytes that only the two ends can know (RFC 8446 §7.5): `length` from 1 to 255. As of node:tls. */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Promise<Uint8Array> {
    return this.#link.exportKeyingMaterial(length, label, context);
  }

  /**
   * Lets the open streams finish, takes no new ones, then sends CONNECTION_CLOSE. An abort closes at once. Rejects if the
   * connection is lost before.
   */
  close(options?: CloseOptions): Promise<void> {
    return this.#link.close(options);
  }
  /** CONNECTION_CLOSE now, with the `wireCode` and `reason` of a QuicError. Streams fail with `error`. */
  destroy(error?: Error): void {
    this.#link.destroy(error);
  }
  /** Settles when nothing is left. Rejects with what ended the connection, unless that was a clean close by either side. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }
  /** A snapshot of what the transport knows. */
  stats(): Promise<ConnectionStats> {
    return this.#link.stats();
  }
  /** Closes: streams that were ended are delivered, all others are reset. Never rejects. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#link.dispose();
  }
}
