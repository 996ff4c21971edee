// What is done to each subject. A test names its load (see load.mjs) with its sizes, and the figures that are made of one
// run: `result` is what the load returned, `server` and `client` are the CPU milliseconds of the two processes meanwhile.

const kGigabyte = 1e9;
const mebi = 2 ** 20;

const bulkFigures = [
  { name: 'throughput', unit: 'MB/s', better: 'more', of: ({ result }) => result.bytes / result.elapsed / 1000 },
  { name: 'CPU of the server', unit: 's/GB', better: 'less', of: ({ result, server }) => server / 1000 / (result.bytes / kGigabyte) },
  { name: 'CPU of the client', unit: 's/GB', better: 'less', of: ({ result, client }) => client / 1000 / (result.bytes / kGigabyte) },
];

const latencyFigures = [
  { name: 'p50', unit: 'us', better: 'less', of: ({ result }) => result.p50 * 1000 },
  { name: 'p99', unit: 'us', better: 'less', of: ({ result }) => result.p99 * 1000 },
];

const requestFigures = [
  { name: 'rate', unit: 'requests/s', better: 'more', of: ({ result }) => (result.count / result.elapsed) * 1000 },
  { name: 'CPU of the server', unit: 'us each', better: 'less', of: ({ result, server }) => (server * 1000) / result.count },
  { name: 'CPU of the client', unit: 'us each', better: 'less', of: ({ result, client }) => (client * 1000) / result.count },
];

const handshakeFigures = [
  { name: 'rate', unit: 'per second', better: 'more', of: ({ result }) => (result.count / result.elapsed) * 1000 },
  { name: 'CPU of the server', unit: 'ms each', better: 'less', of: ({ result, server }) => server / result.count },
  { name: 'CPU of the client', unit: 'ms each', better: 'less', of: ({ result, client }) => client / result.count },
];

/** `durationMs`: loads that repeat something stop after so long. `fresh`: in processes that have done nothing else. */
export function tests({ isQuick }) {
  const durationMs = isQuick ? 500 : 2000;
  const bytes = 256 * mebi;
  return [
    { name: 'upload', title: '256 MiB up on one stream', load: 'upload', bytes, warmUp: { bytes: 8 * mebi }, figures: bulkFigures },
    { name: 'download', title: '256 MiB down on one stream', load: 'download', bytes, warmUp: { bytes: 8 * mebi }, figures: bulkFigures },
    {
      name: 'sequential', title: '100-byte request and response, one after another', load: 'requests', inFlight: 1, durationMs, warmUp: { durationMs: 200 },
      figures: [...latencyFigures, ...requestFigures],
    },
    {
      name: 'in-flight', title: '100-byte request and response, 100 in flight', load: 'requests', inFlight: 100, durationMs, warmUp: { durationMs: 300 },
      figures: [...requestFigures, ...latencyFigures],
    },
    { name: 'handshakes', title: 'full handshakes, one after another', load: 'handshakes', inFlight: 1, durationMs, warmUp: { durationMs: 100 }, figures: [...handshakeFigures, ...latencyFigures] },
    { name: 'handshakes-16', title: 'full handshakes, 16 at a time', load: 'handshakes', inFlight: 16, durationMs, warmUp: { durationMs: 100 }, figures: handshakeFigures },
    {
      name: 'idle', title: 'connections that do nothing', load: 'idle', connections: isQuick ? 500 : 1000, warmUp: { connections: 50 }, fresh: true, mostRounds: isQuick ? 1 : 3,
      figures: [{ name: "server's memory", unit: 'MB per 1,000', better: 'less', of: ({ result, serverGrowth }) => (serverGrowth / 1e6 / result.count) * 1000 }],
    },
  ];
}

export const rounds = ({ isQuick }) => (isQuick ? 2 : 5);
