/** A connection as users see it: a thin face of a Link. */
import { EventEmitter } from 'node:events';
import { type Abortable } from './abort.js';
import { type SocketAddress } from './address.js';
import { type ErrorCodeInput } from './errors.js';
import { type Link } from './link.js';
import { type ClientMigrationEvent, type NegotiatedServerMigration } from './migration.js';
import { type OpenStreamOptions, type QuicReceiveStream, type QuicSendStream, type QuicStream } from './streams.js';

/** Events are facts you may ignore. Whatever must not be lost is a promise, an iterable or a stream. */
export interface QuicConnectionEvents {
  /** A stream that the peer opened. With a listener streams go to it; without one they wait for `incomingStreams`. */
  stream: [stream: QuicStream | QuicReceiveStream];
  /** The connection goes on over other addresses. */
  pathChanged: [path: Path];
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
/** A snapshot. Times are milliseconds. */
export interface ConnectionStats {
  readonly bytesSent: bigint;
  readonly bytesReceived: bigint;
  readonly packetsSent: bigint;
  readonly packetsReceived: bigint;
  readonly packetsLost: bigint;
  readonly smoothedRtt: number;
  readonly minRtt: number;
  readonly congestionWindow: number;
  readonly bytesInFlight: number;
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
