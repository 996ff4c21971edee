// What the demonstration shows, as data. A scenario is one server, its clients, and the moves that the server makes while
// they work. Another protocol is another entry here; nothing else knows one protocol from another.

const there = { to: '127.0.0.2', at: 0.25 };
const back = { to: '127.0.0.1', at: 0.6 };

/** Three clients that follow in the same way. */
const three = (how) => [1, 2, 3].map((number) => ({ name: `client ${number}`, ...how }));

/**
 * A client follows the server by one protocol; without any it is told to reconnect when the server moves, and does. `at` is
 * the share of its work that the slowest client has done when the server starts to move. `pool` are the hosts that a server
 * tells its clients of at the handshake (Pool of Addresses): they try them in ascending order.
 */
export const scenarios = [
  {
    name: 'explicit-reactive',
    title: 'Explicit, reactive: the server tells each client its next address; a client goes there when the old one is silent',
    home: '127.0.0.1',
    clients: three({ protocol: 'explicit', explicitProbing: 'reactive' }),
    moves: [there, back],
  },
  {
    name: 'explicit-proactive',
    title: 'Explicit, proactive: the server tells each client its next address; a client asks there at once, and goes when it is answered',
    home: '127.0.0.1',
    clients: three({ protocol: 'explicit', explicitProbing: 'proactive' }),
    moves: [there, back],
  },
  {
    name: 'pool',
    title: 'Pool of Addresses: at the handshake the server names the addresses where it may be; clients search them when it is silent',
    home: '127.0.0.1',
    pool: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    clients: three({ protocol: 'pool-of-addresses' }),
    // Past an address where nobody is.
    moves: [{ to: '127.0.0.3', at: 0.25 }, back],
  },
  {
    name: 'symmetric',
    title: 'Symmetric: the server appears at its next address without a word, and speaks first',
    home: '127.0.0.1',
    clients: three({ protocol: 'symmetric' }),
    moves: [there, back],
  },
  {
    name: 'synchronized-symmetric',
    title: 'Synchronized Symmetric: the server says that it will move, and not where; it speaks first when it is there',
    home: '127.0.0.1',
    clients: three({ protocol: 'synchronized-symmetric' }),
    moves: [there, back],
  },
  {
    name: 'mixed',
    title: 'A mixed fleet: each client follows in its own way, and one knows nothing of moving servers',
    home: '127.0.0.1',
    pool: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    clients: [
      { name: 'client 1', protocol: 'explicit', explicitProbing: 'reactive' },
      { name: 'client 2', protocol: 'explicit', explicitProbing: 'proactive' },
      { name: 'client 3', protocol: 'pool-of-addresses' },
      { name: 'client 4', protocol: 'symmetric' },
      { name: 'client 5', protocol: 'synchronized-symmetric' },
      { name: 'client 6' },
    ],
    moves: [there, back],
  },
];

/** How a client follows, in words. */
export function behaviour({ protocol, explicitProbing }) {
  if (protocol === undefined) return 'reconnecting';
  return explicitProbing ? `${protocol}, ${explicitProbing}` : protocol;
}

/** Every host that the server of a scenario may be at. */
export function hostsOf({ home, moves, pool = [] }) {
  return [...new Set([home, ...moves.map(({ to }) => to), ...pool])];
}

export const protocolsOf = ({ clients }) => [...new Set(clients.map(({ protocol }) => protocol))].filter((protocol) => protocol !== undefined);

/** Requests are sent so often, in milliseconds. */
export const requestInterval = 10;
/** Each client sends and receives at least so much. */
export const leastBytes = 64 * 2 ** 20;
