// What is measured, side by side. `transport` is the module that knows how (see tls.mjs and quic.mjs, which have the same
// face); the first subject is what the others are compared with.
export const subjects = [
  { name: 'node:tls', transport: 'tls' },
  { name: 'workers: 0', transport: 'quic', workers: 0, threaded: false },
  { name: 'workers: 1', transport: 'quic', workers: 1, threaded: true },
];

/** In words, below the table. */
export const legend = [
  "node:tls    TLS 1.3 over TCP; it has no streams, so requests are messages with their length before them on one connection, pipelined",
  "workers: 0  node-mvfst with the server and the client each on Node's own loop",
  'workers: 1  node-mvfst with the server and the client each on a thread beside it (the client: threaded: true)',
  'All with the same P-256 certificate, verified; X25519, AES-128-GCM; no session resumption; loopback; each side a process.',
];
