/** Options of the two verbs: what may be given, checked with help, and turned into what the native side wants. */
import { rootCertificates } from 'node:tls';
import { types } from 'node:util';
import { type Abortable } from './abort.js';
import { type Address, formatAddress, parseAddress, parseLiteral } from './address.js';
import { quicError } from './errors.js';
import { type ClientMigrationOptions, type ServerMigrationOptions, maskOf, protocolNames } from './migration.js';
import { type NativeConnectOptions, type NativeListenOptions, type NativeTransportOptions } from './native.js';
import { type Check, anything, callback, fields, integer, listOf, oneOf, text, truth } from './validate.js';

/** Durations are milliseconds, sizes are bytes. Every field has a default that is right for most. */
export interface TransportOptions {
  /** Application protocols, the best first (RFC 7301). */
  readonly alpn: readonly [string, ...string[]];
  /** A connection on which nothing is heard for so long is closed (ERR_QUIC_IDLE_TIMEOUT). Default 30 000; 0: never. */
  readonly idleTimeout?: number;
  /** A handshake that is not finished by then fails (ERR_QUIC_HANDSHAKE_TIMEOUT). Default 10 000. */
  readonly handshakeTimeout?: number;
  /** Send PING so often that the path stays open. Default 0: off. */
  readonly keepAliveInterval?: number;
  /** What the peer may use of us. */
  readonly limits?: {
    /** Streams in both directions that the peer may have open at a time. Default 100. */
    readonly bidirectionalStreams?: number;
    /** Streams in one direction that the peer may have open at a time. Default 100. */
    readonly unidirectionalStreams?: number;
    /** Bytes that the peer may have under way on all streams together. Default 16 MiB. */
    readonly connectionWindow?: number;
    /** Bytes that the peer may have under way on one stream. Default 8 MiB. */
    readonly streamWindow?: number;
  };
  /** Called with each line of the NSS key log: whoever has these can read the connection. */
  readonly keylog?: (line: string) => void;
}
export interface ConnectOptions extends TransportOptions, Abortable {
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string;
  readonly tls?: ClientTls;
  /** Where to send from. Default: any address, any port. */
  readonly localAddress?: Address;
  /** Follow a server that moves. Default: off. */
  readonly serverMigration?: ClientMigrationOptions;
  /**
   * Run the connection on a thread of its own instead of Node's loop: more throughput beside a busy main thread, more
   * latency for each request. Default false.
   */
  readonly threaded?: boolean;
}
export interface ListenOptions extends TransportOptions {
  /** Where to listen: an IP address and a port, 0 for any. Default `'0.0.0.0:0'`. */
  readonly address?: Address;
  readonly tls: ServerTls;
  /**
   * Worker threads, each with its own socket (SO_REUSEPORT). Default 0: none, the transport runs on Node's own loop, which
   * answers quickest. Threads pay where cores are idle while the main thread is busy.
   */
  readonly workers?: number;
  /** Connections that wait to be taken by `for await`; more are refused. Default 128. */
  readonly backlog?: number;
  /** Be a server that can move. Default: off. */
  readonly serverMigration?: ServerMigrationOptions;
}
/** PEM text, or its bytes. */
export type Pem = string | Uint8Array;
export interface ClientTls {
  /** Authorities to trust. Default: those that come with Node. */
  readonly ca?: Pem | readonly Pem[];
  /** The client's own certificate chain, with `key`. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** Named so that a reviewer stops at it. Anybody can then be the server. */
  readonly dangerouslySkipVerification?: boolean;
}
export interface ServerTls {
  /** The certificate chain, the server's own first. */
  readonly cert: Pem;
  readonly key: Pem;
  /** Ask clients for a certificate of this authority, and refuse those that have none. */
  readonly clientCa?: Pem;
}

const kDay = 86_400_000;
/** RFC 9000 §4.6: a limit on streams is at most 2^60; nobody wants that many. */
const kMaxStreams = 1_000_000;
const kMaxWindow = 2 ** 40;
/** As many as a client takes. */
const kMaxPool = 16;
const kDefaultBacklog = 128;

const isPem: Check = (value, what) => {
  const pem = typeof value === 'string' ? value : types.isUint8Array(value) ? Buffer.from(value).toString('latin1') : undefined;
  if (pem === undefined) throw quicError('ERR_QUIC_INVALID_CREDENTIALS', `\`${what}\` must be PEM text or its bytes`);
  if (!pem.includes('-----BEGIN ')) {
    const hint = typeof value === 'string' && value.length < 300 && /^[^\n]+$/.test(value) ? '; it looks like the path of a file: read the file first' : '';
    throw quicError('ERR_QUIC_INVALID_CREDENTIALS', `\`${what}\` has no PEM block${hint}`);
  }
};
const isPems: Check = (value, what) => {
  if (Array.isArray(value)) listOf(isPem, 1, 1_000)(value, what);
  else isPem(value, what);
};
const isLiteral: Check = (value, what) => void parseLiteral(value, `\`${what}\``, 0);
const isPoolAddress: Check = (value, what) => void parseLiteral(value, `\`${what}\``, 1);
const isAlpn: Check = (value, what) => {
  text(value, what);
  integer(1, 255)(Buffer.byteLength(value as string), `length of ${what}`); // RFC 7301 §3.1
};
const isProtocol = oneOf(...protocolNames);

const transportFields = {
  alpn: listOf(isAlpn, 1, 64),
  idleTimeout: integer(0, kDay),
  handshakeTimeout: integer(1, kDay),
  keepAliveInterval: integer(0, kDay),
  limits: fields({
    bidirectionalStreams: integer(0, kMaxStreams),
    unidirectionalStreams: integer(0, kMaxStreams),
    connectionWindow: integer(0, kMaxWindow),
    streamWindow: integer(0, kMaxWindow),
  }),
  keylog: callback,
};
const checkConnect = fields({
  ...transportFields,
  signal: anything,
  serverName: text,
  tls: fields({ ca: isPems, cert: isPem, key: isPem, dangerouslySkipVerification: truth }),
  localAddress: isLiteral,
  serverMigration: fields({
    protocols: listOf(isProtocol, 1, protocolNames.length),
    explicitProbing: oneOf('reactive', 'proactive', 'manual'),
    acceptAddress: oneOf('routable', 'any'),
    announcementLifetime: integer(1, kDay),
  }),
  threaded: truth,
});
const checkListen = fields({
  ...transportFields,
  address: isLiteral,
  tls: fields({ cert: isPem, key: isPem, clientCa: isPem }),
  workers: integer(0, 256),
  backlog: integer(0, 1_000_000),
  serverMigration: fields({ protocols: listOf(isProtocol, 1, protocolNames.length), pool: listOf(isPoolAddress, 1, kMaxPool) }),
});

/** Fields that must be there. */
function demand(value: unknown, what: string, check: Check): void {
  check(value, what);
}

function pemText(pem: Pem): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1');
}

/** Only what was given: an absent option is the native default. */
function given<T extends object>(options: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function transportOptions(options: TransportOptions): NativeTransportOptions {
  const { idleTimeout, handshakeTimeout, keepAliveInterval } = options;
  const { bidirectionalStreams, unidirectionalStreams, connectionWindow, streamWindow } = options.limits ?? {};
  return given<NativeTransportOptions & object>({
    alpn: [...options.alpn],
    idleTimeout,
    handshakeTimeout,
    keepAliveInterval,
    bidirectionalStreams,
    unidirectionalStreams,
    connectionWindow,
    streamWindow,
    keylog: options.keylog === undefined ? undefined : true,
  } as { [K in keyof NativeTransportOptions]: NativeTransportOptions[K] | undefined });
}

function authorities(tls: ClientTls): readonly string[] {
  if (tls.dangerouslySkipVerification === true) return [];
  if (tls.ca === undefined) return rootCertificates;
  return typeof tls.ca === 'string' || types.isUint8Array(tls.ca) ? [pemText(tls.ca)] : tls.ca.map(pemText);
}

/**
 * Streams of one peer that may wait to be taken: what it may have open, and some that it had open before it ended them.
 * A last resort against a peer that opens and ends streams which nobody takes.
 */
export function maxIncoming({ bidirectionalStreams = 100, unidirectionalStreams = 100 }: NativeTransportOptions): number {
  return bidirectionalStreams + unidirectionalStreams + 1_024;
}

/** What was asked of `connect`, the name of the peer not resolved yet. */
export interface ConnectRequest {
  readonly host: string;
  readonly port: number;
  readonly localHost: string | undefined;
  readonly threaded: boolean;
  readonly signal: AbortSignal | undefined;
  readonly keylog: ((line: string) => void) | undefined;
  /** All but the literal address of the peer. */
  readonly native: Omit<NativeConnectOptions, 'host' | 'port'>;
}

/** Checks and copies: what the caller does to its objects afterwards changes nothing. */
export function connectRequest(address: unknown, value: unknown): ConnectRequest {
  const { host, port } = parseAddress(address, 'the address', 1);
  checkConnect(value, 'options');
  const options = value as ConnectOptions;
  demand(options.alpn, 'alpn', transportFields.alpn);
  const { tls = {}, serverMigration: migration } = options;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw quicError('ERR_QUIC_INVALID_CREDENTIALS', '`tls.cert` and `tls.key` go together');
  }
  if (migration !== undefined) demand(migration.protocols, 'serverMigration.protocols', listOf(isProtocol, 1, protocolNames.length));
  const local = options.localAddress === undefined ? undefined : parseLiteral(options.localAddress, '`localAddress`', 0);
  const native = {
    ...transportOptions(options),
    serverName: options.serverName ?? host,
    ca: authorities(tls),
    verify: tls.dangerouslySkipVerification !== true,
    migrationProtocols: maskOf(migration?.protocols ?? []),
    ...given({
      localHost: local?.host,
      localPort: local?.port,
      cert: tls.cert === undefined ? undefined : pemText(tls.cert),
      key: tls.key === undefined ? undefined : pemText(tls.key),
      explicitProbing: migration?.explicitProbing,
      acceptAddress: migration?.acceptAddress,
      announcementLifetime: migration?.announcementLifetime,
    }),
  } as Omit<NativeConnectOptions, 'host' | 'port'>;
  return { host, port, localHost: local?.host, threaded: options.threaded ?? false, signal: options.signal, keylog: options.keylog, native };
}

export interface ListenRequest {
  readonly native: NativeListenOptions;
  readonly keylog: ((line: string) => void) | undefined;
}

export function listenRequest(value: unknown): ListenRequest {
  checkListen(value, 'options');
  const options = value as ListenOptions;
  demand(options.alpn, 'alpn', transportFields.alpn);
  demand(options.tls, 'tls', fields({ cert: anything, key: anything, clientCa: anything }));
  demand(options.tls.cert, 'tls.cert', isPem);
  demand(options.tls.key, 'tls.key', isPem);
  const { serverMigration: migration, tls } = options;
  if (migration !== undefined) {
    demand(migration.protocols, 'serverMigration.protocols', listOf(isProtocol, 1, protocolNames.length));
    // A pool is exclusive: a connection that negotiated it and has no addresses could never move.
    if (migration.protocols.includes('pool-of-addresses')) demand(migration.pool, 'serverMigration.pool', listOf(isPoolAddress, 1, kMaxPool));
  }
  const { host, port } = parseLiteral(options.address ?? '0.0.0.0:0', '`address`', 0);
  const native: NativeListenOptions = {
    ...transportOptions(options),
    host,
    port,
    workers: options.workers ?? 0,
    backlog: options.backlog ?? kDefaultBacklog,
    cert: pemText(tls.cert),
    key: pemText(tls.key),
    ...(tls.clientCa === undefined ? {} : { clientCa: pemText(tls.clientCa) }),
    migrationProtocols: maskOf(migration?.protocols ?? []),
    pool: (migration?.pool ?? []).map((address) => formatAddress(parseLiteral(address, '`serverMigration.pool`', 1))),
  };
  return { native, keylog: options.keylog };
}
