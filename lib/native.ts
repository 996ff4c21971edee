/**
 * The one file that names native functions, with their types.
 *
 * A `NativeQuic` is a host: one server with its workers, or the clients of one environment. Commands go down as calls with
 * plain numbers, facts come up in batches of fixed-size records, one callback for each wake. All calls are made on the
 * thread of the JavaScript environment that made the host; so is the callback. No callback comes after `close` was answered
 * by the `HostClosed` record.
 */
import { loadAddon } from './addon.cjs';

/** Words of one record in a batch. */
export const RECORD_WORDS = 8;

/**
 * Records: word 0 is the kind, 1-2 the connection (low, high), 3-4 the stream id or a 62-bit code (low, high), 5 and 6 an
 * offset and a length into the bytes of the batch, 7 a flag or small number. `json` records carry UTF-8 JSON in their bytes.
 */
export const RecordKind = {
  /** json OpenedRecord. Client: the handshake is finished. Server: a new connection, its handshake finished. */
  ConnectionOpened: 1,
  HandshakeConfirmed: 2,
  /** json ClosedRecord. The last record of a connection. */
  ConnectionClosed: 3,
  /** The peer opened stream (3-4). */
  StreamOpened: 4,
  /** Bytes (5, 6) of stream (3-4); 7 is 1 when they are the last. */
  StreamData: 5,
  /** Stream (3-4) was reset by the peer; the code in words 5-6 (low, high). */
  StreamReset: 6,
  /** The peer asked to stop sending on stream (3-4); the code in words 5-6 (low, high). */
  StreamStopped: 7,
  /**
   * Stream (3-4) holds no more than the low mark (256 KiB) and at least as much was written since the last such record, or
   * since the stream was opened. So a writer that counts, and waits once it has written twice the low mark since the last
   * record, never waits in vain, however fast the bytes left.
   */
  StreamWritable: 8,
  /** All of stream (3-4) up to FIN was acknowledged. */
  StreamSendComplete: 9,
  /** The last record of stream (3-4); after StreamSendComplete, if that comes. */
  StreamClosed: 10,
  /** The peer allows streams: 3-4 is the count in all, 7 is 1 for unidirectional ones. May come before ConnectionOpened. */
  StreamsAvailable: 11,
  /** json PathRecord. */
  PathChanged: 12,
  /** json MigrationRecord: server migration, on one connection of either side. */
  Migration: 13,
  /** Client: raw bytes, the `session` of a later connection. */
  SessionTicket: 14,
  /** UTF-8 text, one line. */
  KeyLog: 15,
  /** json OutcomeRecord[]: every connection is ready or closed or left out. Server, connection 0. */
  MigrationPrepared: 16,
  /** json OutcomeRecord[]: every ready connection has migrated or closed. Server, connection 0. */
  MigrationCompleted: 17,
  /** json ClosedRecord: rebinding failed, the old address works on. Server, connection 0. */
  MigrationFailed: 18,
  /** json StatsRecord; word 7 is the request. */
  Stats: 19,
  /** Everything is released; nothing comes after it. Connection 0. */
  HostClosed: 20,
  /** json OpenedRecord, as far as it is known. Client: streams may be opened and are sent as 0-RTT. Server: 0-RTT came. ConnectionOpened follows. */
  EarlyDataReady: 21,
  /** Client: raw bytes, the `token` of a later connection to this server (RFC 9000 §8.1.3). */
  AddressToken: 22,
  /** Bytes (5, 6) of one datagram. */
  DatagramReceived: 23,
  /** What became of a datagram: 3-4 is its number, 7 is 1 when it was acknowledged, 0 when it was lost or dropped, 2 when it expired. */
  DatagramSettled: 24,
  /** 3 is the largest payload that fits into a datagram now, 0 when the peer takes none. */
  DatagramLimit: 25,
  /** 3-4 is how many more of the datagrams given to `sendDatagram` wait no longer. */
  DatagramsLeft: 26,
  /** The answer to the request in word 7. Word 3 is 1: done, with raw bytes; 0: json ClosedRecord says why not. */
  Answer: 27,
  /** UTF-8 text: whole JSON-SEQ records of the connection's qlog. */
  Qlog: 28,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** A SocketAddress as the native side writes it. */
export interface NativeAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly host: string;
  readonly port: number;
}
export interface PathRecord {
  readonly local: NativeAddress;
  readonly peer: NativeAddress;
}
export interface OpenedRecord extends PathRecord {
  readonly alpn: string;
  /** DER, base64; empty when the peer sent none. */
  readonly certificate: string;
  /** Negotiated protocols, bits of transport parameter 0x64. */
  readonly serverMigration: number;
  /** As on the wire. */
  readonly version: number;
  /** Of TLS, by its IANA name. */
  readonly cipher: string;
  readonly isResumed: boolean;
  readonly earlyData: 'none' | 'pending' | 'accepted' | 'rejected';
  /** Server: what the client asked for by SNI, empty when it did not. */
  readonly serverName: string;
  /** As of DatagramLimit. */
  readonly datagramLimit: number;
}
/** How an error crosses: `kind` and `name` select the code of a QuicError, `wireCode` is decimal (62 bits). */
export interface ClosedRecord {
  readonly kind: 'transport' | 'application' | 'local';
  /** TransportErrorCode or LocalErrorCode by name, `CRYPTO_ERROR` for alerts, `APPLICATION`. */
  readonly name: string;
  readonly wireCode: string;
  readonly reason: string;
  readonly initiator: 'local' | 'remote';
  /** Server, when the connection was never opened: whose attempt it was. */
  readonly peer?: NativeAddress;
}
export type NativeProtocol = 'explicit' | 'pool-of-addresses' | 'symmetric' | 'synchronized-symmetric';
export interface MigrationRecord {
  readonly type:
    | 'pool-address' | 'announced' | 'probing' | 'reverted' | 'expired' | 'detected' | 'completed' // client
    | 'ready' | 'failed' | 'pool-acknowledged'; // server ('completed' too)
  readonly protocol?: NativeProtocol;
  readonly address?: NativeAddress;
  /** 'failed': a ServerMigrationError by name. */
  readonly error?: string;
  /** 'completed' at a client: milliseconds from the last packet on the old path to the end of the move. */
  readonly downtime?: number;
}
export interface OutcomeRecord {
  readonly connection: number;
  readonly status: 'ready' | 'migrated' | 'closed' | 'excluded' | 'pending';
  readonly protocol?: NativeProtocol;
  /** 'excluded': a ServerMigrationError by name; absent when the plan leaves it out. */
  readonly reason?: string;
}
export interface StatsRecord {
  readonly [name: string]: number | string;
}

/** Durations in milliseconds, sizes in bytes; absent: the native default. */
export interface NativeTransportOptions {
  readonly alpn: readonly string[];
  readonly idleTimeout?: number;
  readonly handshakeTimeout?: number;
  readonly keepAliveInterval?: number;
  readonly bidirectionalStreams?: number;
  readonly unidirectionalStreams?: number;
  readonly connectionWindow?: number;
  readonly streamWindow?: number;
  /** UDP payload: what is sent before the path is known to carry more, and the most that is tried. */
  readonly datagramSize?: number;
  readonly maxDatagramSize?: number;
  readonly keylog?: boolean;
  readonly qlog?: boolean;
  /** As on the wire, the best first. */
  readonly versions?: readonly number[];
  readonly congestionControl?: 'cubic' | 'newreno' | 'bbr' | 'copa';
  readonly ecn?: boolean;
  /** Packets sealed with one key before the next is taken. */
  readonly keyUpdateAfter?: number;
  /** max_datagram_frame_size, RFC 9221. */
  readonly datagramFrameSize?: number;
  readonly datagramBacklog?: number;
  readonly ackFrequency?: boolean;
  readonly reliableReset?: boolean;
  readonly greaseQuicBit?: boolean;
  readonly spinBit?: boolean;
  /** IANA names, the best first. */
  readonly ciphers?: readonly string[];
  /** OpenSSL's names, the best first. */
  readonly groups?: readonly string[];
}
/** A certificate for some server names. */
export interface NativeIdentity {
  readonly names: readonly string[];
  readonly cert: string;
  readonly key: string;
}
/** Addresses whose first bits are those of `host`; port 0 is any. */
export interface NativeAddressRange {
  readonly host: string;
  readonly port: number;
  readonly prefix: number;
}
export interface NativeConnectOptions extends NativeTransportOptions {
  /** Literal address of the peer: names are resolved before. */
  readonly host: string;
  readonly port: number;
  /** What is verified and, for a DNS name, sent as SNI. */
  readonly serverName: string;
  readonly localHost?: string;
  readonly localPort?: number;
  /** PEM; empty: the roots of the system. */
  readonly ca: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly verify: boolean;
  /** Offered protocols, bits; 0: off. */
  readonly migrationProtocols: number;
  readonly explicitProbing?: 'reactive' | 'proactive' | 'manual';
  readonly acceptAddress?: 'routable' | 'any';
  readonly announcementLifetime?: number;
  readonly allowedAddresses?: readonly NativeAddressRange[];
  readonly probeDelay?: number;
  /** 'host:port'. */
  readonly poolOrder?: readonly string[];
  readonly session?: Uint8Array;
  readonly token?: Uint8Array;
  readonly earlyData?: boolean;
  /** One of `versions`, as on the wire. */
  readonly originalVersion?: number;
  /** False: a preferred_address of the server is not followed. */
  readonly followPreferredAddress?: boolean;
}
export interface NativeRetryPolicy {
  readonly validateAddress?: 'always' | 'under-load' | 'never';
  /** Handshakes under way, in all and of one source, from which on the server is under load. */
  readonly retryFrom?: number;
  readonly retryFromPerSource?: number;
}
/** 32 bytes each, the first one seals: tickets, address tokens. */
export interface NativeSharedKeys {
  readonly ticketKeys?: readonly Uint8Array[];
  readonly tokenKeys?: readonly Uint8Array[];
}
export interface NativeListenOptions extends NativeTransportOptions, NativeRetryPolicy, NativeSharedKeys {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly backlog: number;
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
  readonly clientCertificate?: 'none' | 'request' | 'require';
  readonly identities?: readonly NativeIdentity[];
  readonly migrationProtocols: number;
  readonly pool: readonly string[];
  /** A UDP socket that is bound already, instead of `host` and `port`. */
  readonly fd?: number;
  readonly earlyData?: boolean;
  readonly sessionTickets?: boolean;
  /** 32 bytes, for stateless resets. This and the shared keys are made here when they are absent. */
  readonly resetSecret?: Uint8Array;
  readonly disableActiveMigration?: boolean;
  /** 'host:port'. */
  readonly preferredAddresses?: readonly string[];
  readonly maxHandshakes?: number;
  /** New handshakes of one source in a second. */
  readonly handshakesPerSource?: number;
  readonly connectionIdSize?: number;
  /** With `connectionIdKey` (16 bytes) encrypted into connection IDs. */
  readonly serverId?: Uint8Array;
  readonly connectionIdKey?: Uint8Array;
}
/** A plan for one connection, or for all (connection 0). `protocol` 'close' leaves it out. */
export interface NativePlan {
  readonly connection: number;
  readonly protocol: NativeProtocol | 'close';
  /** 'host:port', Explicit only. */
  readonly address?: string;
}

/** Called once for each wake. `words` is reused by the next call; `bytes` is the receiver's own. */
export type OnBatch = (words: Uint32Array, records: number, bytes: Uint8Array) => void;

/** Every method throws only for misuse, with `code` (ERR_QUIC_*) and `wireCode` on the error; none blocks. */
export interface NativeQuic {
  /** Server. Binds; returns the address in use. Throws what the kernel said (EADDRINUSE...). */
  listen(options: NativeListenOptions): NativeAddress;
  /** Client. `connection` is the caller's own number, above 0 and never used before. */
  connect(connection: number, options: NativeConnectOptions): void;

  /** Opens the stream if its id is the next of its kind: the caller counts, within what StreamsAvailable allows. */
  streamWrite(connection: number, stream: number, bytes: Uint8Array, fin: boolean): void;
  /** Several buffers, one call, one native chunk. */
  streamWritev(connection: number, stream: number, chunks: readonly Uint8Array[], fin: boolean): void;
  /**
   * So many bytes of StreamData were taken by the application: as many more may come up. Not called for a stream that has
   * ended. With 0 it says, once for each unidirectional stream of the peer's, that the application has got the stream: only
   * then, and when it is finished, may the peer open another in its place.
   */
  streamConsume(connection: number, stream: number, bytes: number): void;
  /** Codes are 62-bit. */
  streamReset(connection: number, stream: number, code: bigint): void;
  streamStop(connection: number, stream: number, code: bigint): void;
  /** RESET_STREAM_AT: the first `reliableSize` bytes still arrive. */
  streamResetAt(connection: number, stream: number, code: bigint, reliableSize: number): void;
  /** RFC 9218 terms: 0 is sent first; incremental streams of one urgency share. */
  streamPriority(connection: number, stream: number, urgency: number, incremental: boolean): void;

  /**
   * `datagram` is the caller's own number, rising. DatagramsLeft tells when it has left; watched, DatagramSettled what became of it.
   * `urgency` as of streams; `lifetime` in milliseconds, 0: it waits for ever.
   */
  sendDatagram(connection: number, datagram: number, bytes: Uint8Array, isWatched: boolean, urgency: number, lifetime: number): void;

  /** CONNECTION_CLOSE now. `application`: code is the application's, else a transport code. Answered by ConnectionClosed. */
  closeConnection(connection: number, application: boolean, code: bigint, reason: string): void;
  /** Answered by a Stats record with this request number. */
  stats(connection: number, request: number): void;
  /** No more Qlog records of it. */
  stopQlog(connection: number): void;

  /** Each is answered by an Answer record with this request number. */
  updateKeys(connection: number, request: number): void;
  /** Client: go on from another local address; with `probe` only when the peer was reached from there. Bytes: json PathRecord. */
  migrate(connection: number, request: number, local: { readonly host: string; readonly port: number }, probe: boolean): void;
  /** Bytes: the keying material. */
  exportKeyingMaterial(connection: number, request: number, label: string, context: Uint8Array, size: number): void;

  /** Client, explicitProbing 'manual'. */
  startProbing(connection: number): void;

  /** Server: step 1. `deadline` in milliseconds. Answered by MigrationPrepared, or MigrationFailed. No plan at all is one too. */
  prepareMigration(plans: readonly NativePlan[], deadline: number): void;
  /** Server: step 2. No address: the sockets are kept. Answered by MigrationCompleted or MigrationFailed. */
  networkSwitched(address: { readonly host: string; readonly port: number } | undefined, deadline: number): void;
  cancelMigration(): void;
  /** Server: the address in use. */
  address(): NativeAddress;
  /** Server: refuse new connections (true) or take them. */
  refuse(refuse: boolean): void;
  /** Server: refuse new connections for good, and those whose handshake is under way. */
  beginShutdown(): void;
  /** Server: from now on; what is absent is the native default. */
  setRetryPolicy(policy: NativeRetryPolicy): void;
  /** Server: from now on; throws when there are none, or too many. */
  setSharedKeys(keys: NativeSharedKeys): void;

  /** The process stood still for so many milliseconds, 0 when nobody knows, perhaps as a copy of another one. */
  thaw(frozenFor: number): void;
  /** Keep the event loop alive (default) or not. */
  ref(): void;
  unref(): void;
  /** Send what waits to be sent, now: with `workers: 0` and clients on Node's loop, calls before it only queue. */
  flush(): void;
  /** Release everything; connections that are open are closed first. Answered by HostClosed. */
  close(): void;
}

export interface NativeModule {
  /** `threaded`: client connections live on a thread of their own instead of Node's loop. */
  NativeQuic: new (role: 'client' | 'server', threaded: boolean, onBatch: OnBatch) => NativeQuic;
  /** Version of OpenSSL inside. */
  readonly tlsVersion: string;
}

let loaded: NativeModule | undefined;

/** The addon, loaded when it is first wanted: importing the package alone costs nothing and cannot fail. */
export function loadNative(): NativeModule {
  loaded ??= loadAddon() as NativeModule;
  return loaded;
}
