// The cases of the public interoperability tests, as this endpoint plays them. `client` and `server`: options that the case
// needs of each role; `members`: what it needs of a client's connection; `tellsStats`: the server tells its statistics all
// the time; `prefersAddress`: the server asks clients to go to another address of its own (RFC 9000 §9.6); the rest says how the
// client goes about it.

const chacha20 = { tls: { ciphers: ['TLS_CHACHA20_POLY1305_SHA256'] } };
/** A version that nobody speaks (RFC 9000 §15: 0x?a?a?a?a). */
const reservedVersion = 0x1a2a3a4a;

const plain = {};
/** A connection for each request, one after another. */
const oneByOne = { connections: 'each' };

export const testcases = {
  handshake: plain,
  // Small, so that credit has to be given while files come.
  transfer: { client: { limits: { streamWindow: 128 * 1024, connectionWindow: 256 * 1024 } } },
  http3: { alpn: 'h3' },
  longrtt: plain,
  multiplexing: plain,
  ecn: { tellsStats: true },
  amplificationlimit: plain,
  blackhole: { client: { idleTimeout: 60_000 }, server: { idleTimeout: 60_000 } },
  transferloss: plain,
  transfercorruption: plain,
  ipv6: plain,
  'rebind-port': plain,
  'rebind-addr': plain,
  handshakeloss: { ...oneByOne, client: { handshakeTimeout: 60_000 }, server: { handshakeTimeout: 60_000 } },
  handshakecorruption: { ...oneByOne, client: { handshakeTimeout: 60_000 }, server: { handshakeTimeout: 60_000 } },
  multiconnect: { ...oneByOne, client: { handshakeTimeout: 60_000 }, server: { handshakeTimeout: 60_000 } },
  chacha20: { client: chacha20, server: chacha20 },
  retry: { server: { validateAddress: 'always' } },
  resumption: { connections: 'resumed', members: ['handshake'] },
  zerortt: { connections: 'resumed', early: true, members: ['handshake'], client: { earlyData: true }, server: { earlyData: true } },
  keyupdate: { members: ['updateKeys'], during: 'keyupdate' },
  v2: { client: { versions: [1, 2] }, server: { versions: [2, 1] } },
  v2only: { client: { versions: [2] }, server: { versions: [2, 1] } },
  versionnegotiation: { client: { versions: [reservedVersion, 1] } },
  connectionmigration: { members: ['migrate'], during: 'migrate', prefersAddress: true },
  selfmigrate: { members: ['migrate'], during: 'migrate', every: 500 },
  ackfrequency: { client: { extensions: { ackFrequency: true } }, server: { extensions: { ackFrequency: true } } },
  datagram: { members: ['datagrams'], during: 'datagram', client: { limits: { datagramSize: 65_535 } }, server: { limits: { datagramSize: 65_535 } } },
};
