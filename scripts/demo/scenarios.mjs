// What the demonstration shows, as data. A scenario is one server, its clients, and the moves that the server makes while
// they work. Another protocol is another entry here; nothing else knows one protocol from another.

/**
 * A client follows the server by one protocol. `at` is the share of its work that the slowest client has done when the
 * server starts to move. `pool` are the hosts that a server tells its clients of at the handshake (Pool of Addresses).
 */
export const scenarios = [
  {
    name: 'explicit',
    title: 'Explicit: the server tells each client its next address before it moves',
    home: '127.0.0.1',
    clients: [
      { name: 'client 1', protocol: 'explicit', explicitProbing: 'reactive' },
      { name: 'client 2', protocol: 'explicit', explicitProbing: 'proactive' },
      { name: 'client 3', protocol: 'explicit', explicitProbing: 'proactive' },
    ],
    moves: [
      { to: '127.0.0.2', at: 0.25 },
      { to: '127.0.0.1', at: 0.6 },
    ],
  },
];

/** How a client follows, in words. */
export function behaviour({ protocol, explicitProbing }) {
  return explicitProbing ? `${protocol}, ${explicitProbing}` : protocol;
}

/** Every host that the server of a scenario may be at. */
export function hostsOf({ home, moves, pool = [] }) {
  return [...new Set([home, ...moves.map(({ to }) => to), ...pool])];
}

export const protocolsOf = ({ clients }) => [...new Set(clients.map(({ protocol }) => protocol))];

/** Requests are sent so often, in milliseconds. */
export const requestInterval = 10;
/** Each client sends and receives at least so much. */
export const leastBytes = 64 * 2 ** 20;
