/** Options of the two verbs, checked with help and turned into what the native side wants. */
import { hkdfSync } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { rootCertificates } from 'node:tls';
import { types } from 'node:util';
import { type Address, formatAddress, parseAddress, parseLiteral, parseRange } from './address.js';
import { invalidArgument, quicError } from './errors.js';
import { type ClientMigrationOptions, maskOf, protocolNames } from './migration.js';
import { type NativeConnectOptions, type NativeListenOptions, type NativeRetryPolicy, type NativeSharedKeys, type NativeTransportOptions } from './native.js';
import { type AddressValidation, type ClientTls, type ConnectOptions, type ListenOptions, type Pem, type QlogSink, type TlsOptions, type TransportOptions } from './options.js';
import { checkSession, decodeSession } from './session.js';
import { type Check, anObject, anything, callback, fields, integer, listOf, oneOf, text, truth } from './validate.js';

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
const isRange: Check = (value, what) => void parseRange(value, `\`${what}\``);
const isAcceptance: Check = (value, what) => (Array.isArray(value) ? listOf(isRange, 1, 64) : oneOf('routable', 'any'))(value, what);
const isProtocol = oneOf(...protocolNames);

const isSize = (lowest: number, highest: number): Check => (value, what) => {
  if (!types.isUint8Array(value)) throw invalidArgument(`\`${what}\` must be a Uint8Array`);
  integer(lowest, highest)(value.byteLength, `length of ${what}`);
};
const isDescriptor: Check = (value, what) => {
  if (value !== 'systemd') integer(3, 2 ** 31 - 1)(value, what); // the first three are the process's own
};
const isPreferred: Check = (value, what) => {
  if (Array.isArray(value)) listOf(isPoolAddress, 1, 2)(value, what);
  else isPoolAddress(value, what);
};

const isSecrets = listOf(isSize(32, 1_024), 1, 8);
const isLoad = fields({ handshakes: integer(1, 1_000_000), handshakesPerSource: integer(1, 1_000_000) });
const isValidationMode = oneOf('always', 'under-load', 'never');
const isAddressValidation: Check = (value, what) => (typeof value === 'object' ? isLoad : isValidationMode)(value, what);

const tlsFields = {
  ciphers: listOf(oneOf('TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'), 1, 3),
  groups: listOf(text, 1, 16),
};
const isVersion = integer(1, 2 ** 32 - 1);
const transportFields = {
  alpn: listOf(isAlpn, 1, 64),
  versions: listOf(isVersion, 1, 8),
  congestionControl: oneOf('cubic', 'newreno', 'bbr', 'copa'),
  ecn: truth,
  maxUdpPayload: integer(1200, 65_527), // RFC 9000 §14, §18.2
  keyUpdateAfter: integer(1, 2 ** 40),
  greaseQuicBit: truth,
  spinBit: truth,
  extensions: fields({ ackFrequency: truth, reliableReset: truth }),
  qlog: callback,
  idleTimeout: integer(0, kDay),
  handshakeTimeout: integer(1, kDay),
  keepAliveInterval: integer(0, kDay),
  limits: fields({
    bidirectionalStreams: integer(0, kMaxStreams),
    unidirectionalStreams: integer(0, kMaxStreams),
    connectionWindow: integer(0, kMaxWindow),
    streamWindow: integer(0, kMaxWindow),
    datagramSize: integer(0, 65_535),
    datagramBacklog: integer(1, 65_536),
  }),
  keylog: callback,
};
const checkConnect = fields({
  ...transportFields,
  signal: anything,
  serverName: text,
  tls: fields({ ...tlsFields, ca: isPems, cert: isPem, key: isPem, dangerouslySkipVerification: truth }),
  session: checkSession,
  earlyData: truth,
  originalVersion: isVersion,
  followPreferredAddress: truth,
  localAddress: isLiteral,
  serverMigration: fields({
    protocols: listOf(isProtocol, 1, protocolNames.length),
    explicitProbing: oneOf('reactive', 'proactive', 'manual'),
    acceptAddress: isAcceptance,
    announcementLifetime: integer(1, kDay),
    probeDelay: integer(0, 60_000),
    poolOrder: listOf(isPoolAddress, 1, kMaxPool),
  }),
  threaded: truth,
});
const checkListen = fields({
  ...transportFields,
  address: isLiteral,
  tls: fields({
    ...tlsFields,
    cert: isPem,
    key: isPem,
    clientCa: isPem,
    clientCertificate: oneOf('none', 'request', 'require'),
    identities: listOf(fields({ names: listOf(text, 1, 64), cert: isPem, key: isPem }), 0, 1_000),
  }),
  fd: isDescriptor,
  validateAddress: isAddressValidation,
  maxHandshakes: integer(1, 1_000_000),
  handshakesPerSource: integer(1, 1_000_000),
  sessionTickets: truth,
  earlyData: truth,
  secrets: isSecrets,
  disableActiveMigration: truth,
  preferredAddress: isPreferred,
  connectionIds: fields({ length: integer(8, 20), serverId: isSize(1, 12), key: isSize(16, 16) }),
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

/** RFC 9369 §3.1. */
const kVersion2 = 0x6b3343cf;
const versionOnWire = (version: number): number => (version === 2 ? kVersion2 : version);

function originalVersion({ originalVersion: original, versions = [1] }: ConnectOptions): number | undefined {
  if (original === undefined) return undefined;
  const onWire = versionOnWire(original);
  if (!versions.map(versionOnWire).includes(onWire)) throw invalidArgument('`originalVersion` must be one of `versions`');
  return onWire;
}

function transportOptions(options: TransportOptions, tls: TlsOptions): NativeTransportOptions {
  const { limits = {}, extensions = {}, versions } = options;
  return given<NativeTransportOptions & object>({
    alpn: [...options.alpn],
    idleTimeout: options.idleTimeout,
    handshakeTimeout: options.handshakeTimeout,
    keepAliveInterval: options.keepAliveInterval,
    bidirectionalStreams: limits.bidirectionalStreams,
    unidirectionalStreams: limits.unidirectionalStreams,
    connectionWindow: limits.connectionWindow,
    streamWindow: limits.streamWindow,
    datagramFrameSize: limits.datagramSize,
    datagramBacklog: limits.datagramBacklog,
    versions: versions?.map(versionOnWire),
    congestionControl: options.congestionControl,
    ecn: options.ecn,
    maxDatagramSize: options.maxUdpPayload,
    keyUpdateAfter: options.keyUpdateAfter,
    greaseQuicBit: options.greaseQuicBit,
    spinBit: options.spinBit,
    ackFrequency: extensions.ackFrequency,
    reliableReset: extensions.reliableReset,
    ciphers: tls.ciphers,
    groups: tls.groups,
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
  readonly qlog: QlogSink | undefined;
  readonly datagramBacklog: number | undefined;
  /** All but the literal address of the peer. */
  readonly native: Omit<NativeConnectOptions, 'host' | 'port'>;
}

function sessionOptions({ session, earlyData }: ConnectOptions): Pick<NativeConnectOptions, 'session' | 'token' | 'earlyData'> {
  if (session === undefined) return {};
  const { ticket, token } = decodeSession(session);
  return {
    ...(ticket.byteLength > 0 ? { session: ticket, earlyData: earlyData === true } : {}),
    ...(token.byteLength > 0 ? { token } : {}),
  };
}

function migrationOptions(migration: ClientMigrationOptions | undefined): Partial<NativeConnectOptions> {
  if (migration === undefined) return {};
  const { acceptAddress: accepted, poolOrder } = migration;
  return given({
    explicitProbing: migration.explicitProbing,
    acceptAddress: typeof accepted === 'string' ? accepted : undefined,
    allowedAddresses: typeof accepted === 'object' ? accepted.map((range) => parseRange(range, '`serverMigration.acceptAddress`')) : undefined,
    announcementLifetime: migration.announcementLifetime,
    probeDelay: migration.probeDelay,
    poolOrder: poolOrder?.map((address) => formatAddress(parseLiteral(address, '`serverMigration.poolOrder`', 1))),
  });
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
    ...transportOptions(options, tls),
    serverName: options.serverName ?? host,
    ca: authorities(tls),
    verify: tls.dangerouslySkipVerification !== true,
    migrationProtocols: maskOf(migration?.protocols ?? []),
    ...given({
      localHost: local?.host,
      localPort: local?.port,
      cert: tls.cert === undefined ? undefined : pemText(tls.cert),
      key: tls.key === undefined ? undefined : pemText(tls.key),
      ...migrationOptions(migration),
      originalVersion: originalVersion(options),
      followPreferredAddress: options.followPreferredAddress,
      qlog: options.qlog === undefined ? undefined : true,
    }),
    ...sessionOptions(options),
  } as Omit<NativeConnectOptions, 'host' | 'port'>;
  const { keylog, qlog, signal, threaded = false } = options;
  return { host, port, localHost: local?.host, threaded, signal, keylog, qlog, datagramBacklog: options.limits?.datagramBacklog, native };
}

export interface ListenRequest {
  readonly native: NativeListenOptions;
  readonly keylog: ((line: string) => void) | undefined;
  readonly qlog: ListenOptions['qlog'];
}

/** Keys of one purpose from each secret, so that none of them says anything about another. */
function derived(secrets: ListenOptions['secrets'], purpose: string): Uint8Array[] | undefined {
  return secrets?.map((secret) => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `node-mvfst ${purpose}`, 32)));
}

/** Checks secrets that a server is to use from now on. */
export function sharedKeys(secrets: unknown): NativeSharedKeys {
  isSecrets(secrets, 'secrets');
  const given = secrets as ListenOptions['secrets'];
  return { ticketKeys: derived(given, 'tickets') as Uint8Array[], tokenKeys: derived(given, 'address tokens') as Uint8Array[] };
}

/** Checks whom a server is to ask for a proof of address. */
export function retryPolicy(validation: unknown): NativeRetryPolicy {
  isAddressValidation(validation, 'validateAddress');
  const asked = validation as AddressValidation;
  if (typeof asked === 'string') return { validateAddress: asked };
  return given<NativeRetryPolicy>({ validateAddress: 'under-load', retryFrom: asked.handshakes, retryFromPerSource: asked.handshakesPerSource });
}

/** The first socket that systemd hands over: sd_listen_fds(3). */
function systemdSocket(): number {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (Number(LISTEN_PID) === process.pid && Number(LISTEN_FDS) >= 1) return 3;
  throw quicError('ERR_QUIC_BIND', 'systemd has handed over no socket to this process');
}

function preferredAddresses(preferred: ListenOptions['preferredAddress']): string[] | undefined {
  if (preferred === undefined) return undefined;
  const list = (Array.isArray(preferred) ? preferred : [preferred]) as readonly Address[];
  const addresses = list.map((address) => parseLiteral(address, '`preferredAddress`', 1));
  if (addresses.length === 2 && isIPv6(addresses[0]?.host ?? '') === isIPv6(addresses[1]?.host ?? '')) {
    throw invalidArgument('`preferredAddress` takes one address of each family');
  }
  return addresses.map(formatAddress);
}

function serverOptions(options: ListenOptions): Partial<NativeListenOptions> {
  const { connectionIds = {}, secrets, tls, fd } = options;
  if (connectionIds.key !== undefined && connectionIds.serverId === undefined) {
    throw invalidArgument('`connectionIds.key` encrypts `connectionIds.serverId`, which is missing');
  }
  return given({
    fd: fd === 'systemd' ? systemdSocket() : fd,
    ...(options.validateAddress === undefined ? {} : retryPolicy(options.validateAddress)),
    earlyData: options.earlyData,
    sessionTickets: options.sessionTickets,
    ticketKeys: derived(secrets, 'tickets'),
    tokenKeys: derived(secrets, 'address tokens'),
    resetSecret: derived(secrets, 'stateless resets')?.[0],
    disableActiveMigration: options.disableActiveMigration,
    preferredAddresses: preferredAddresses(options.preferredAddress),
    maxHandshakes: options.maxHandshakes,
    handshakesPerSource: options.handshakesPerSource,
    connectionIdSize: connectionIds.length,
    serverId: connectionIds.serverId,
    connectionIdKey: connectionIds.key,
    clientCertificate: tls.clientCertificate,
    identities: tls.identities?.map(({ names, cert, key }) => ({ names: [...names], cert: pemText(cert), key: pemText(key) })),
    qlog: options.qlog === undefined ? undefined : true,
  });
}

export function listenRequest(value: unknown): ListenRequest {
  checkListen(value, 'options');
  const options = value as ListenOptions;
  demand(options.alpn, 'alpn', transportFields.alpn);
  demand(options.tls, 'tls', anObject);
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
    ...transportOptions(options, tls),
    ...serverOptions(options),
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
  return { native, keylog: options.keylog, qlog: options.qlog };
}
