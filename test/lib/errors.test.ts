import { CallSite, QuicError, closedError, fromThrown, isClean, quicError, toWireCode, wireCodeOf } from '../../lib/errors.js';
import { closedRecord } from './support/fixtures.js';

const crypto = (alert: number, initiator: 'local' | 'remote', reason = ''): QuicError =>
  closedError(closedRecord({ kind: 'transport', name: 'CRYPTO_ERROR', wireCode: String(0x100 + alert), initiator, reason }));

describe('what a native end becomes', () => {
  test.each([
    [42, 'local', 'ERR_QUIC_CERTIFICATE'],
    [43, 'local', 'ERR_QUIC_CERTIFICATE'],
    [45, 'local', 'ERR_QUIC_CERTIFICATE'],
    [48, 'local', 'ERR_QUIC_CERTIFICATE'],
    [48, 'remote', 'ERR_QUIC_TLS_ALERT'],
    [40, 'local', 'ERR_QUIC_TLS_ALERT'],
    [120, 'remote', 'ERR_QUIC_ALPN'],
    [120, 'local', 'ERR_QUIC_ALPN'],
  ] as const)('TLS alert %i from the %s side is %s', (alert, initiator, code) => {
    const error = crypto(alert, initiator);
    expect(error.code).toBe(code);
    expect(error.wireCode).toBe(BigInt(0x100 + alert));
    expect(error.initiator).toBe(initiator);
  });

  test("a certificate's error tells OpenSSL's reason", () => {
    const error = crypto(48, 'local', 'self-signed certificate');
    expect(error.message).toBe("The peer's certificate was not accepted: self-signed certificate");
    expect(error.reason).toBe('self-signed certificate');
  });

  test.each([
    ['local', 'IDLE_TIMEOUT', 'ERR_QUIC_IDLE_TIMEOUT'],
    ['local', 'HANDSHAKE_TIMEOUT', 'ERR_QUIC_HANDSHAKE_TIMEOUT'],
    ['local', 'PEER_UNREACHABLE', 'ERR_QUIC_PEER_UNREACHABLE'],
    ['local', 'STATELESS_RESET', 'ERR_QUIC_STATELESS_RESET'],
    ['local', 'VERSION_NEGOTIATION', 'ERR_QUIC_VERSION_NEGOTIATION'],
    ['local', 'MIGRATED_WITHOUT_CONNECTION', 'ERR_QUIC_MIGRATED'],
    ['local', 'EADDRINUSE', 'ERR_QUIC_ADDRESS_IN_USE'],
    ['local', 'BIND_FAILED', 'ERR_QUIC_BIND'],
    ['local', 'SOMETHING_NEW', 'ERR_QUIC_TRANSPORT'],
    ['transport', 'CONNECTION_REFUSED', 'ERR_QUIC_REFUSED'],
    ['transport', 'PROTOCOL_VIOLATION', 'ERR_QUIC_TRANSPORT'],
    ['transport', 'toString', 'ERR_QUIC_TRANSPORT'],
  ] as const)('%s %s is %s', (kind, name, code) => {
    expect(closedError(closedRecord({ kind, name, wireCode: '10' })).code).toBe(code);
  });

  test('an application code of 62 bits is kept whole', () => {
    const wireCode = (2n ** 62n - 1n).toString();
    const error = closedError(closedRecord({ wireCode, reason: 'bye' }));
    expect(error).toMatchObject({ code: 'ERR_QUIC_APPLICATION', wireCode: 2n ** 62n - 1n, reason: 'bye', initiator: 'remote' });
  });

  test('application code 0 and NO_ERROR are clean ends', () => {
    expect(isClean(closedRecord())).toBe(true);
    expect(isClean(closedRecord({ kind: 'transport', name: 'NO_ERROR' }))).toBe(true);
    expect(isClean(closedRecord({ wireCode: '1' }))).toBe(false);
    expect(isClean(closedRecord({ kind: 'local', name: 'IDLE_TIMEOUT' }))).toBe(false);
    expect(closedError(closedRecord()).code).toBe('ERR_QUIC_CONNECTION_CLOSED');
  });
});

describe('what a native method threw', () => {
  test.each([
    ['EADDRINUSE', 'ERR_QUIC_ADDRESS_IN_USE'],
    ['EADDRNOTAVAIL', 'ERR_QUIC_BIND'],
    ['EACCES', 'ERR_QUIC_BIND'],
    ['ERR_QUIC_INVALID_CREDENTIALS', 'ERR_QUIC_INVALID_CREDENTIALS'],
    ['ERR_QUIC_STREAM_CLOSED', 'ERR_QUIC_INVALID_STATE'],
  ])('%s is %s, with the cause', (code, expected) => {
    const cause = Object.assign(new Error('said the kernel'), { code });
    const error = fromThrown(cause, '127.0.0.1:1') as QuicError;
    expect(error.code).toBe(expected);
    expect(error.cause).toBe(cause);
    expect(error.message).toContain('127.0.0.1:1: said the kernel');
  });

  test('a QuicError and a bug stay what they are', () => {
    const ours = quicError('ERR_QUIC_ALPN');
    const bug = new TypeError('undefined is not a function');
    expect(fromThrown(ours)).toBe(ours);
    expect(fromThrown(bug)).toBe(bug);
  });
});

describe('QuicError', () => {
  test('takes numbers, gives bigints', () => {
    expect(new QuicError('no', { wireCode: 7 })).toMatchObject({ code: 'ERR_QUIC_APPLICATION', wireCode: 7n, name: 'QuicError', initiator: 'local' });
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 53, -1n, 1n << 62n])('does not take %p as a code', (code) => {
    expect(() => toWireCode(code)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT' }));
  });

  test('knows the errors of another copy of the package, and subclasses know their own', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('node-mvfst.QuicError')]: true });
    class Mine extends QuicError {}
    expect(foreign).toBeInstanceOf(QuicError);
    expect(foreign).not.toBeInstanceOf(Mine);
    expect(new Mine('y')).toBeInstanceOf(QuicError);
    expect(new Mine('y')).toBeInstanceOf(Mine);
    expect({}).not.toBeInstanceOf(QuicError);
  });

  test("only an application's code is passed on to a peer", () => {
    expect(wireCodeOf(new QuicError('x', { wireCode: 5 }))).toBe(5n);
    expect(wireCodeOf(new QuicError('x', { code: 'ERR_QUIC_TRANSPORT', wireCode: 1 }))).toBe(0n);
    expect(wireCodeOf(new Error('x'))).toBe(0n);
    expect(wireCodeOf(undefined)).toBe(0n);
  });

  test('can have the stack of a call made before', () => {
    function theCall(): CallSite {
      return (function inside() {
        return new CallSite(inside);
      })();
    }
    const error = theCall().adopt(quicError('ERR_QUIC_REFUSED'));
    expect(error.stack).toMatch(/^QuicError: The connection was refused\n\s+at theCall/);
  });
});
