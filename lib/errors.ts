/**
 * Errors: one class, one table of codes, and the translation of what the native side reports. Nothing else in the package
 * knows how a native error becomes a code.
 */
import { type ClosedRecord } from './native.js';

/**
 * Every code there is, with the text used when nobody has a better one. The comments are the documentation of the codes.
 */
const texts = {
  /** The connection was closed with a transport error; `wireCode` says which of RFC 9000 §20.1. */
  ERR_QUIC_TRANSPORT: 'Transport error',
  /** The application on one side closed the connection with an error; `wireCode` is the application's own. */
  ERR_QUIC_APPLICATION: 'Application error',
  /** The TLS handshake failed; `wireCode` is 0x100 + the alert (RFC 9001 §4.8). */
  ERR_QUIC_TLS_ALERT: 'TLS handshake failed',
  /** The peer's certificate was not accepted here: authority, dates, name or signature. `reason` is OpenSSL's. */
  ERR_QUIC_CERTIFICATE: "The peer's certificate was not accepted",
  /** Client and server have no application protocol in common (RFC 9001 §8.1). */
  ERR_QUIC_ALPN: 'No application protocol in common',
  /** The peer reset the stream; `wireCode` is the peer's application code. */
  ERR_QUIC_STREAM_RESET: 'The stream was reset',
  /** The peer asked us to stop sending on the stream; `wireCode` is the peer's application code. */
  ERR_QUIC_STREAM_STOPPED: 'The peer stopped reading the stream',
  /** Nothing was heard from the peer for the idle timeout. */
  ERR_QUIC_IDLE_TIMEOUT: 'The connection was idle for too long',
  /** The handshake did not finish in time. With no answer at all, nobody may be there: a silent network looks like this. */
  ERR_QUIC_HANDSHAKE_TIMEOUT: 'The handshake did not finish in time',
  /** The network says that nobody is there: ICMP port, host or network unreachable. */
  ERR_QUIC_PEER_UNREACHABLE: 'The peer is unreachable',
  /** The peer has forgotten the connection, and said so (RFC 9000 §10.3). */
  ERR_QUIC_STATELESS_RESET: 'The peer has lost the connection',
  /** No version of QUIC in common. */
  ERR_QUIC_VERSION_NEGOTIATION: 'No QUIC version in common',
  /** The connection is closed, without an error, and something was still wanted of it. */
  ERR_QUIC_CONNECTION_CLOSED: 'The connection is closed',
  /** The server is closed, or is closing. */
  ERR_QUIC_SERVER_CLOSED: 'The server is closed',
  /** The server does not take the connection: CONNECTION_REFUSED. */
  ERR_QUIC_REFUSED: 'The connection was refused',
  /** No path to the peer works any more. */
  ERR_QUIC_NO_VIABLE_PATH: 'No path to the peer works',
  /** The peer takes no datagrams (RFC 9221 §3). */
  ERR_QUIC_DATAGRAM_UNSUPPORTED: 'The peer takes no datagrams',
  /** The payload does not fit into a datagram of the peer's size, or of the path's (RFC 9221 §5). */
  ERR_QUIC_DATAGRAM_TOO_LARGE: 'The datagram is too large',
  /** Keys cannot be updated yet: the handshake is not confirmed, or the last update not acknowledged (RFC 9001 §6.1). */
  ERR_QUIC_KEY_UPDATE_NOT_READY: 'Keys cannot be updated yet',
  /** The server has asked its clients to stay at their address (RFC 9000 §18.2). */
  ERR_QUIC_MIGRATION_FORBIDDEN: 'The server does not let clients move',
  /** The peer has given no connection ID that could be used on another path (RFC 9000 §9.5). */
  ERR_QUIC_NO_CONNECTION_ID: 'The peer has given no connection ID for another path',
  /** Server migration is not switched on, or the peer did not answer the offer. */
  ERR_QUIC_MIGRATION_DISABLED: 'Server migration is off',
  /** The migration protocol was not negotiated. */
  ERR_QUIC_MIGRATION_NOT_NEGOTIATED: 'The migration protocol was not negotiated',
  /** A migration is being prepared or carried out already. */
  ERR_QUIC_MIGRATION_IN_PROGRESS: 'A migration is in progress',
  /** Not in this state of the migration. */
  ERR_QUIC_MIGRATION_INVALID_STATE: 'Not possible in this state of the migration',
  /** The client has not acknowledged the pool of addresses yet. */
  ERR_QUIC_MIGRATION_POOL_NOT_ACKNOWLEDGED: 'The client has not acknowledged the pool of addresses',
  /** The client's address policy refused the address that the server named. */
  ERR_QUIC_MIGRATION_ADDRESS_REFUSED: 'The address was refused by policy',
  /** The connection was not ready, or not moved, when the deadline passed. */
  ERR_QUIC_MIGRATION_DEADLINE: 'The migration did not finish in time',
  /** Closed because the server moved without this connection: connect again. */
  ERR_QUIC_MIGRATED: 'The server has moved without this connection',
  /** The port is taken by somebody else. */
  ERR_QUIC_ADDRESS_IN_USE: 'The address is in use',
  /** The kernel refused the address for another reason: not ours, no permission. `cause` is what it said. */
  ERR_QUIC_BIND: 'Cannot bind to the address',
  /** The host's name could not be resolved; `cause` is the resolver's error. */
  ERR_QUIC_NAME_NOT_RESOLVED: 'The name could not be resolved',
  /** A certificate or key that cannot be used: no PEM, or the two do not belong together. */
  ERR_QUIC_INVALID_CREDENTIALS: 'The certificate or key cannot be used',
  /** An argument or option that has the wrong type, is out of range or is not known. */
  ERR_QUIC_INVALID_ARGUMENT: 'Invalid argument',
  /** The call is not possible any more, or not yet, on this object. */
  ERR_QUIC_INVALID_STATE: 'Not possible in this state',
} as const;

/** What a `QuicError` can be about. Each code is explained where the table of codes is, in errors.ts. */
export type QuicErrorCode = keyof typeof texts;
/** QUIC error codes are 62-bit. Give a number, get a bigint. */
export type ErrorCodeInput = number | bigint;

const brand = Symbol.for('node-mvfst.QuicError');
const kMaxCode = (1n << 62n) - 1n; // RFC 9000 §16: what a variable-length integer holds

/** The one error class of the package. `instanceof` also knows the errors of another copy of the package. */
export class QuicError extends Error {
  override readonly name = 'QuicError' as const;
  /** What went wrong. */
  readonly code: QuicErrorCode;
  /** What goes, or came, on the wire; 0 where nothing did. */
  readonly wireCode: bigint;
  /** Who found the error, or caused it. */
  readonly initiator: 'local' | 'remote';
  /** The reason phrase that travels, or travelled, with the code; often empty. */
  readonly reason: string;

  /** Without `code` it is an application's error: give its `wireCode`, and `destroy()` a stream or connection with it. */
  constructor(
    message: string,
    options: {
      readonly code?: QuicErrorCode;
      readonly wireCode?: ErrorCodeInput;
      readonly initiator?: 'local' | 'remote';
      readonly reason?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? 'ERR_QUIC_APPLICATION';
    this.wireCode = toWireCode(options.wireCode ?? 0n);
    this.initiator = options.initiator ?? 'local';
    this.reason = options.reason ?? '';
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== QuicError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** An error with the usual text of its code. */
export function quicError(code: QuicErrorCode, detail?: string, cause?: unknown): QuicError {
  const message = detail === undefined ? texts[code] : `${texts[code]}: ${detail}`;
  const error = new QuicError(message, cause === undefined ? { code } : { code, cause });
  Error.captureStackTrace(error, quicError);
  return error;
}

export function invalidArgument(message: string): QuicError {
  const error = new QuicError(message, { code: 'ERR_QUIC_INVALID_ARGUMENT' });
  Error.captureStackTrace(error, invalidArgument);
  return error;
}

/** Checks a code of the application's and makes it a bigint. */
export function toWireCode(code: ErrorCodeInput): bigint {
  if (typeof code === 'bigint' ? code >= 0n && code <= kMaxCode : Number.isSafeInteger(code) && code >= 0) return BigInt(code);
  throw invalidArgument(`An error code is an integer from 0 to 2^62 - 1, not ${String(code)}`);
}

const kOfApplication: ReadonlySet<QuicErrorCode> = new Set(['ERR_QUIC_APPLICATION', 'ERR_QUIC_STREAM_RESET', 'ERR_QUIC_STREAM_STOPPED']);

/** What a stream or connection that is destroyed with `error` tells the peer: an application's code, else 0. */
export function wireCodeOf(error: unknown): bigint {
  return error instanceof QuicError && kOfApplication.has(error.code) ? error.wireCode : 0n;
}

/** Names of the alerts that a handshake meets (RFC 8446 §6). */
const alerts: ReadonlyMap<number, string> = new Map([
  [10, 'unexpected message'], [40, 'handshake failure'], [42, 'bad certificate'], [43, 'unsupported certificate'],
  [44, 'certificate revoked'], [45, 'certificate expired'], [46, 'certificate unknown'], [47, 'illegal parameter'],
  [48, 'unknown certificate authority'], [49, 'access denied'], [50, 'decode error'], [51, 'decrypt error'],
  [70, 'protocol version'], [71, 'insufficient security'], [80, 'internal error'], [109, 'missing extension'],
  [110, 'unsupported extension'], [112, 'unrecognized name'], [113, 'bad certificate status response'],
  [116, 'certificate required'], [120, 'no application protocol'],
]);
const kNoApplicationProtocol = 120;
/** Sent by who looked at a certificate (or at its absence) and did not accept it. */
const kCertificateAlerts: ReadonlySet<number> = new Set([42, 43, 44, 45, 46, 48, 116]);

/** Transport codes with a code of their own; the others are ERR_QUIC_TRANSPORT. */
const transportCodes: ReadonlyMap<string, QuicErrorCode> = new Map<string, QuicErrorCode>([
  ['NO_ERROR', 'ERR_QUIC_CONNECTION_CLOSED'],
  ['CONNECTION_REFUSED', 'ERR_QUIC_REFUSED'],
  ['NO_VIABLE_PATH', 'ERR_QUIC_NO_VIABLE_PATH'],
  ['VERSION_NEGOTIATION_ERROR', 'ERR_QUIC_VERSION_NEGOTIATION'],
]);
/** LocalErrorCode and ServerMigrationError by name. */
const localCodes: ReadonlyMap<string, QuicErrorCode> = new Map<string, QuicErrorCode>([
  ['STREAM_CLOSED', 'ERR_QUIC_INVALID_STATE'],
  ['STREAM_LIMIT_EXCEEDED', 'ERR_QUIC_INVALID_STATE'],
  ['STREAM_SEND_CLOSED', 'ERR_QUIC_INVALID_STATE'],
  ['CONNECTION_CLOSED', 'ERR_QUIC_CONNECTION_CLOSED'],
  ['IDLE_TIMEOUT', 'ERR_QUIC_IDLE_TIMEOUT'],
  ['HANDSHAKE_TIMEOUT', 'ERR_QUIC_HANDSHAKE_TIMEOUT'],
  ['STATELESS_RESET', 'ERR_QUIC_STATELESS_RESET'],
  ['VERSION_NEGOTIATION', 'ERR_QUIC_VERSION_NEGOTIATION'],
  ['PEER_UNREACHABLE', 'ERR_QUIC_PEER_UNREACHABLE'],
  ['NO_VIABLE_PATH', 'ERR_QUIC_NO_VIABLE_PATH'],
  ['SERVER_CLOSED', 'ERR_QUIC_SERVER_CLOSED'],
  ['DATAGRAM_TOO_LARGE', 'ERR_QUIC_DATAGRAM_TOO_LARGE'],
  ['DATAGRAM_UNSUPPORTED', 'ERR_QUIC_DATAGRAM_UNSUPPORTED'],
  ['KEY_UPDATE_NOT_READY', 'ERR_QUIC_KEY_UPDATE_NOT_READY'],
  ['MIGRATION_FORBIDDEN', 'ERR_QUIC_MIGRATION_FORBIDDEN'],
  ['NO_CONNECTION_ID', 'ERR_QUIC_NO_CONNECTION_ID'],
  ['MIGRATION_DISABLED', 'ERR_QUIC_MIGRATION_DISABLED'],
  ['MIGRATION_NOT_NEGOTIATED', 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED'],
  ['MIGRATION_IN_PROGRESS', 'ERR_QUIC_MIGRATION_IN_PROGRESS'],
  ['MIGRATION_INVALID_STATE', 'ERR_QUIC_MIGRATION_INVALID_STATE'],
  ['MIGRATION_INVALID_ADDRESS', 'ERR_QUIC_INVALID_ARGUMENT'],
  ['MIGRATION_ADDRESS_REFUSED', 'ERR_QUIC_MIGRATION_ADDRESS_REFUSED'],
  ['MIGRATED_WITHOUT_CONNECTION', 'ERR_QUIC_MIGRATED'],
  ['MIGRATION_DEADLINE', 'ERR_QUIC_MIGRATION_DEADLINE'],
  ['HANDSHAKE_NOT_FINISHED', 'ERR_QUIC_MIGRATION_INVALID_STATE'],
  ['PROTOCOL_NOT_NEGOTIATED', 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED'],
  ['MIGRATION_ALREADY_IN_PROGRESS', 'ERR_QUIC_MIGRATION_IN_PROGRESS'],
  ['INVALID_ADDRESS', 'ERR_QUIC_INVALID_ARGUMENT'],
  ['INVALID_STATE', 'ERR_QUIC_MIGRATION_INVALID_STATE'],
  ['EMPTY_POOL_MIGRATION_ADDRESSES', 'ERR_QUIC_MIGRATION_INVALID_STATE'],
  ['POOL_MIGRATION_ADDRESSES_NOT_ACKNOWLEDGED', 'ERR_QUIC_MIGRATION_POOL_NOT_ACKNOWLEDGED'],
  ['BIND_FAILED', 'ERR_QUIC_BIND'],
  ['EADDRINUSE', 'ERR_QUIC_ADDRESS_IN_USE'],
  ['INVALID_CREDENTIALS', 'ERR_QUIC_INVALID_CREDENTIALS'],
  ['INVALID_ARGUMENT', 'ERR_QUIC_INVALID_ARGUMENT'],
]);

function cryptoError(record: ClosedRecord): { code: QuicErrorCode; detail: string } {
  const alert = Number(BigInt(record.wireCode) & 0xffn);
  const name = alerts.get(alert) ?? `alert ${alert}`;
  if (alert === kNoApplicationProtocol) return { code: 'ERR_QUIC_ALPN', detail: record.reason };
  const isVerdict = record.initiator === 'local' && kCertificateAlerts.has(alert);
  return { code: isVerdict ? 'ERR_QUIC_CERTIFICATE' : 'ERR_QUIC_TLS_ALERT', detail: record.reason === '' ? name : record.reason };
}

function codeAndDetail(record: ClosedRecord): { code: QuicErrorCode; detail: string } {
  const { kind, name, reason } = record;
  if (isClean(record)) return { code: 'ERR_QUIC_CONNECTION_CLOSED', detail: reason };
  if (kind === 'application') {
    return { code: 'ERR_QUIC_APPLICATION', detail: reason === '' ? `code ${record.wireCode}` : `${reason} (code ${record.wireCode})` };
  }
  if (kind === 'local') {
    // Where the kernel refused, the reason is the name of its error.
    const code = (name === 'BIND_FAILED' ? localCodes.get(reason) : undefined) ?? localCodes.get(name);
    return { code: code ?? 'ERR_QUIC_TRANSPORT', detail: reason };
  }
  if (name === 'CRYPTO_ERROR') return cryptoError(record);
  const code = transportCodes.get(name) ?? 'ERR_QUIC_TRANSPORT';
  if (code !== 'ERR_QUIC_TRANSPORT') return { code, detail: reason };
  return { code, detail: reason === '' ? name : `${name}: ${reason}` };
}

/** What a ClosedRecord says, as an error. */
export function closedError(record: ClosedRecord): QuicError {
  const { code, detail } = codeAndDetail(record);
  const by = record.initiator === 'remote' ? ' (closed by the peer)' : '';
  const { initiator, reason, wireCode } = record;
  const text = detail === '' ? texts[code] : `${texts[code]}: ${detail}`;
  const error = new QuicError(text + by, { code, wireCode: BigInt(wireCode), initiator, reason });
  Error.captureStackTrace(error, closedError);
  return error;
}

/** Is this end one that nobody needs to be told of as an error? */
export function isClean(record: ClosedRecord): boolean {
  return (record.kind === 'application' && record.wireCode === '0') || (record.kind === 'transport' && record.name === 'NO_ERROR');
}

export function streamError(code: 'ERR_QUIC_STREAM_RESET' | 'ERR_QUIC_STREAM_STOPPED', wireCode: bigint, initiator: 'local' | 'remote'): QuicError {
  const error = new QuicError(`${texts[code]} (code ${wireCode})`, { code, wireCode, initiator });
  Error.captureStackTrace(error, streamError);
  return error;
}

/** Makes a QuicError of what a native method threw: our own codes stay, the kernel's get ours. Anything else stays as it is. */
export function fromThrown(thrown: unknown, detail?: string): Error {
  if (thrown instanceof QuicError) return thrown;
  const { code, message, wireCode } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: string; readonly wireCode?: ErrorCodeInput };
  if (typeof code !== 'string') return thrown instanceof Error ? thrown : quicError('ERR_QUIC_INVALID_STATE', String(thrown));
  const known = Object.hasOwn(texts, code) ? (code as QuicErrorCode) : localCodes.get(code.replace(/^ERR_QUIC_/, ''));
  const parts = [detail !== undefined && message?.includes(detail) === true ? undefined : detail, message].filter((part) => part !== undefined && part !== '');
  const ours = known ?? (/^E[A-Z]+$/.test(code) ? 'ERR_QUIC_BIND' : 'ERR_QUIC_INVALID_STATE');
  const text = parts.length > 0 ? `${texts[ours]}: ${parts.join(': ')}` : texts[ours];
  return new QuicError(text, { code: ours, cause: thrown, wireCode: wireCode ?? 0n });
}

/** Where a call was made, for the errors that its promise may meet much later. */
export class CallSite {
  readonly stack: string = '';

  /** `call` is the function that is left out, with all that it called; it must be running. */
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  constructor(call: Function) {
    Error.captureStackTrace(this, call);
  }

  /** Gives `error` the stack of the call. */
  adopt<E extends Error>(error: E): E {
    const frames = this.stack.indexOf('\n');
    if (frames >= 0) error.stack = `${error.name}: ${error.message}${this.stack.slice(frames)}`;
    return error;
  }
}
