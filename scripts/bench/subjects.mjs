// What is measured, side by side. `transport` is the module that knows how (see tls.mjs and quic.mjs, which have the same
// face); the first subject is what the others are compared with.
const all = [
  { name: 'node:tls', transport: 'tls', words: 'TLS 1.3 over TCP; it has no streams, so requests are messages with their length before them on one connection, pipelined' },
  { name: 'workers: 0', transport: 'quic', workers: 0, threaded: false, words: "node-mvfst, server and client each on Node's own loop" },
  { name: 'workers: 1', transport: 'quic', workers: 1, threaded: true, words: 'node-mvfst, server and client (threaded: true) each on a thread beside it' },
  { name: 'mixed', transport: 'quic', workers: 1, threaded: false, isExtra: true, words: "node-mvfst, the server on a thread (workers: 1), the client on Node's own loop" },
];

/** The subjects of a run; the extra ones only when asked for. */
export function subjectsOf({ isAll }) {
  return all.filter(({ isExtra = false }) => isAll || !isExtra);
}

/** In words, below the table. */
export function legend(subjects) {
  const width = Math.max(...subjects.map(({ name }) => name.length));
  return [
    ...subjects.map(({ name, words }) => `${name.padEnd(width)}  ${words}`),
    'All with the same P-256 certificate, verified; X25519, AES-128-GCM; no session resumption; loopback; each side a process.',
  ];
}
