import { formatAddress, parseAddress, parseLiteral } from '../../lib/address.js';
import { connectRequest, listenRequest } from '../../lib/option-checks.js';
import { listenOptions, pem } from './support/fixtures.js';

const invalid = (message: string): any => expect.objectContaining({ code: 'ERR_QUIC_INVALID_ARGUMENT', message: expect.stringContaining(message) });

describe('addresses', () => {
  test.each([
    ['example.test:443', { host: 'example.test', port: 443 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['[::1]:4433', { host: '::1', port: 4433 }],
    [{ host: '::1', port: 9 }, { host: '::1', port: 9 }],
  ])('%p is understood', (address, parts) => {
    expect(parseAddress(address, 'it', 1)).toEqual(parts);
  });

  test.each([
    ['::1', "write '[::1]:443'"],
    ['example.test', "a port is missing, as in 'example.test:443'"],
    ['[example.test]:1', 'is not an IPv6 address'],
    ['a:b:c', "must be 'host:port'"],
    ['h:65536', 'the port must be from 1 to 65535'],
    ['h:0', 'the port must be from 1 to 65535'],
    [undefined, 'must be a string or { host, port }'],
    [{ host: '', port: 1 }, 'host must be a string'],
    [{ host: 'h', port: '1' }, 'the port must be'],
  ])('%p is refused with help', (address, message) => {
    expect(() => parseAddress(address, 'it', 1)).toThrow(invalid(message));
  });

  test('names are not taken where nothing resolves them', () => {
    expect(() => parseLiteral('localhost:1', 'it', 1)).toThrow(invalid("must have an IP address, not the name 'localhost'"));
  });

  test('are written as they are read', () => {
    for (const text of ['127.0.0.1:80', '[::1]:80']) expect(formatAddress(parseAddress(text, 'it', 0))).toBe(text);
  });
});

describe('options of connect', () => {
  const request = (options: object) => connectRequest('h.test:1', { alpn: ['a'], ...options });

  test.each([
    [{ idletimeout: 1 }, 'unknown option `idletimeout`, did you mean `idleTimeout`?'],
    [{ limits: { bidiStreams: 1 } }, 'unknown option `limits.bidiStreams`'],
    [{ tls: { cA: pem } }, 'unknown option `tls.cA`, did you mean `tls.ca`?'],
    [{ xyz: 1 }, 'unknown option `xyz`'],
    [{ idleTimeout: -1 }, '`idleTimeout` must be an integer from 0 to 86400000, not -1'],
    [{ idleTimeout: '5' }, '`idleTimeout` must be an integer from 0 to 86400000, not a string'],
    [{ alpn: [] }, '`alpn` must be an array of 1 to 64 entries'],
    [{ alpn: [''] }, '`alpn[0]` must be a string that is not empty'],
    [{ alpn: ['x'.repeat(256)] }, 'length of alpn[0]'],
    [{ alpn: undefined }, '`alpn` must be an array'],
    [{ keylog: true }, '`keylog` must be a function, not true'],
    [{ localAddress: 'localhost:0' }, '`localAddress` must have an IP address'],
    [{ serverMigration: { protocols: ['explict'] } }, "did you mean 'explicit'?"],
    [{ serverMigration: {} }, '`serverMigration.protocols` must be an array'],
    [{ serverMigration: { protocols: ['explicit'], acceptAddress: 'all' } }, "`serverMigration.acceptAddress` must be one of 'routable', 'any'"],
    [{ serverMigration: { protocols: ['explicit'], acceptAddress: ['192.0.2.0/33'] } }, "`serverMigration.acceptAddress[0]` must be an address, with or without a port, or 'network/bits', not '192.0.2.0/33'"],
    [{ serverMigration: { protocols: ['explicit'], acceptAddress: [] } }, '`serverMigration.acceptAddress` must be an array of 1 to 64 entries'],
    [{ serverMigration: { protocols: ['explicit'], acceptAddress: ['example.test:1'] } }, "must have an IP address, not the name 'example.test'"],
    [{ serverMigration: { protocols: ['explicit'], probeDelay: 60_001 } }, '`serverMigration.probeDelay` must be an integer from 0 to 60000'],
    [{ serverMigration: { protocols: ['pool-of-addresses'], poolOrder: ['127.0.0.1:0'] } }, 'the port must be from 1'],
    [{ constructor: 1 }, 'unknown option `constructor`'],
  ])('%p is refused with help', (options, message) => {
    expect(() => request(options)).toThrow(invalid(message));
  });

  test.each([
    [{ tls: { ca: '/etc/ca.pem' } }, '`tls.ca` has no PEM block; it looks like the path of a file'],
    [{ tls: { ca: 5 } }, '`tls.ca` must be PEM text'],
    [{ tls: { cert: pem } }, '`tls.cert` and `tls.key` go together'],
  ])('credentials %p are refused with help', (options, message) => {
    expect(() => request(options)).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_CREDENTIALS', message: expect.stringContaining(message) }));
  });

  test('no object at all is refused', () => {
    expect(() => connectRequest('h.test:1', undefined)).toThrow(invalid('`options` must be an object'));
  });

  test('what is absent is left to the native side', () => {
    expect(Object.keys(request({}).native).sort()).toEqual(['alpn', 'ca', 'migrationProtocols', 'serverName', 'verify']);
  });

  test('the name to verify is the host, unless another is given', () => {
    expect(request({}).native.serverName).toBe('h.test');
    expect(request({ serverName: 'other.test' }).native.serverName).toBe('other.test');
  });

  test("trust is Node's own roots, or what is given, or nobody's", () => {
    expect(request({}).native.ca.length).toBeGreaterThan(50);
    expect(request({ tls: { ca: [pem, Buffer.from(pem)] } }).native.ca).toEqual([pem, pem]);
    expect(request({ tls: { dangerouslySkipVerification: true } }).native).toMatchObject({ ca: [], verify: false });
  });

  test('everything goes where it belongs', () => {
    const { native } = request({
      idleTimeout: 1000,
      limits: { bidirectionalStreams: 3, streamWindow: 4 },
      keylog: () => undefined,
      localAddress: '127.0.0.2:0',
      serverMigration: { protocols: ['explicit', 'synchronized-symmetric'], explicitProbing: 'proactive', acceptAddress: 'any', announcementLifetime: 5 },
    });
    expect(native).toMatchObject({
      idleTimeout: 1000,
      bidirectionalStreams: 3,
      streamWindow: 4,
      keylog: true,
      localHost: '127.0.0.2',
      localPort: 0,
      migrationProtocols: 9,
      explicitProbing: 'proactive',
      acceptAddress: 'any',
      announcementLifetime: 5,
    });
  });

  test('addresses that a client accepts and prefers are written out', () => {
    const acceptAddress = ['192.0.2.7:443', '192.0.2.7', '192.0.2.0/24', '[2001:db8::7]:443', '[2001:db8::7]', '2001:db8::/32', '0.0.0.0/0'] as const;
    const { native } = request({ serverMigration: { protocols: ['pool-of-addresses'], acceptAddress, probeDelay: 50, poolOrder: ['127.0.0.3:1', { host: '::1', port: 2 }] } });
    expect(native).toMatchObject({
      probeDelay: 50,
      poolOrder: ['127.0.0.3:1', '[::1]:2'],
      allowedAddresses: [
        { host: '192.0.2.7', port: 443, prefix: 32 },
        { host: '192.0.2.7', port: 0, prefix: 32 },
        { host: '192.0.2.0', port: 0, prefix: 24 },
        { host: '2001:db8::7', port: 443, prefix: 128 },
        { host: '2001:db8::7', port: 0, prefix: 128 },
        { host: '2001:db8::', port: 0, prefix: 32 },
        { host: '0.0.0.0', port: 0, prefix: 0 },
      ],
    });
    expect(native.acceptAddress).toBeUndefined();
  });

  test('what the network sees can be switched off', () => {
    expect(request({ greaseQuicBit: false, spinBit: false }).native).toMatchObject({ greaseQuicBit: false, spinBit: false });
    expect(() => request({ spinBit: 1 })).toThrow(invalid('`spinBit` must be true or false, not 1'));
  });

  test('what the caller changes afterwards changes nothing', () => {
    const alpn: [string] = ['a'];
    const { native } = connectRequest('h.test:1', { alpn });
    alpn[0] = 'b';
    expect(native.alpn).toEqual(['a']);
  });
});

describe('options of listen', () => {
  test.each([
    [{ tls: undefined }, '`tls` must be an object'],
    [{ address: 'localhost:1' }, '`address` must have an IP address'],
    [{ workers: 257 }, '`workers` must be an integer from 0 to 256'],
    [{ serverMigration: { protocols: ['pool-of-addresses'] } }, '`serverMigration.pool` must be an array of 1 to 16 entries'],
    [{ serverMigration: { protocols: ['pool-of-addresses'], pool: ['127.0.0.1:0'] } }, 'the port must be from 1'],
  ])('%p is refused with help', (options, message) => {
    expect(() => listenRequest({ ...listenOptions(), ...options })).toThrow(invalid(message));
  });

  test.each([
    ['always', { validateAddress: 'always' }],
    [{}, { validateAddress: 'under-load' }],
    [{ handshakes: 5, handshakesPerSource: 2 }, { validateAddress: 'under-load', retryFrom: 5, retryFromPerSource: 2 }],
  ] as const)('proof of addresses may be wanted as %p', (validateAddress, native) => {
    const request = listenRequest(listenOptions({ validateAddress })).native;
    expect({ validateAddress: request.validateAddress, retryFrom: request.retryFrom, retryFromPerSource: request.retryFromPerSource }).toEqual(native);
  });

  test.each([
    ['sometimes', "`validateAddress` must be one of 'always', 'under-load', 'never'"],
    [{ handshake: 1 }, 'unknown option `validateAddress.handshake`, did you mean `validateAddress.handshakes`?'],
    [{ handshakes: 0 }, '`validateAddress.handshakes` must be an integer from 1 to 1000000, not 0'],
    [null, '`validateAddress` must be an object, not null'],
  ])('proof of addresses as %p is refused with help', (validateAddress, message) => {
    expect(() => listenRequest({ ...listenOptions(), validateAddress })).toThrow(invalid(message));
  });

  test('a server without a certificate is refused', () => {
    expect(() => listenRequest({ alpn: ['a'], tls: { key: pem } })).toThrow(expect.objectContaining({ code: 'ERR_QUIC_INVALID_CREDENTIALS' }));
  });

  test('defaults are those of the documentation', () => {
    expect(listenRequest(listenOptions()).native).toEqual({
      alpn: ['echo'], host: '0.0.0.0', port: 0, workers: 0, backlog: 128, cert: pem, key: pem, migrationProtocols: 0, pool: [],
    });
  });

  test('a pool is written as addresses', () => {
    const serverMigration = { protocols: ['pool-of-addresses'], pool: [{ host: '::1', port: 5 }, '127.0.0.1:6'] } as const;
    expect(listenRequest(listenOptions({ serverMigration })).native).toMatchObject({ migrationProtocols: 2, pool: ['[::1]:5', '127.0.0.1:6'] });
  });
});
