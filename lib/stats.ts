/** Snapshots of what the transport knows of a connection. */
import { type StatsRecord } from './native.js';

/** What moves of the server did to one connection, each as often as it happened. */
export interface MigrationStats {
  /** Client: announcements heard; server: told (Explicit, Synchronized Symmetric). */
  readonly announced: number;
  /** Client: new addresses at which the server was looked for, or was found. */
  readonly probed: number;
  /** Client: it went back, or stayed, where the server was before. */
  readonly reverted: number;
  readonly completed: number;
  /** Client: announced moves that never came; server: moves that left the connection behind. */
  readonly failed: number;
  /** Client: milliseconds, over all completed moves, from the last packet of the old path to the end of the move. */
  readonly downtime: number;
}

/** A snapshot. Times are milliseconds, rates bytes a second. */
export interface ConnectionStats {
  /** Moves of the server since the connection began. */
  readonly migrations: MigrationStats;
  readonly bytesSent: bigint;
  readonly bytesReceived: bigint;
  readonly packetsSent: bigint;
  readonly packetsReceived: bigint;
  /** Declared lost; those that came after all are counted in `packetsSpuriouslyLost` too. */
  readonly packetsLost: bigint;
  readonly packetsSpuriouslyLost: bigint;
  /** Of our packets, marked on the way (ECN-CE), as the peer reports. */
  readonly congestionMarks: bigint;
  readonly datagramsSent: bigint;
  readonly datagramsReceived: bigint;
  readonly datagramsLost: bigint;
  readonly keyUpdates: number;
  readonly smoothedRtt: number;
  readonly minRtt: number;
  readonly latestRtt: number;
  /** Probe timeouts in a row, now. */
  readonly ptoCount: number;
  readonly congestionControl: string;
  readonly congestionWindow: number;
  readonly bytesInFlight: number;
  /** How fast the path delivered lately; 0 before that is known. */
  readonly deliveryRate: number;
  /** How fast we send at most; 0: not paced. */
  readonly pacingRate: number;
  /** UDP payload that the path is known to carry. */
  readonly mtu: number;
  /** Whether the path carries ECN marks (RFC 9000 §13.4.2). */
  readonly ecn: 'testing' | 'capable' | 'failed' | 'off';
}

export function connectionStats(record: StatsRecord): ConnectionStats {
  const size = (name: string): number => Number(record[name] ?? 0);
  const count = (name: string): bigint => BigInt(Math.trunc(size(name)));
  const ecn = record['ecn'];
  return {
    migrations: {
      announced: size('migrationsAnnounced'),
      probed: size('migrationsProbed'),
      reverted: size('migrationsReverted'),
      completed: size('migrationsCompleted'),
      failed: size('migrationsFailed'),
      downtime: size('migrationDowntime'),
    },
    bytesSent: count('bytesSent'),
    bytesReceived: count('bytesReceived'),
    packetsSent: count('packetsSent'),
    packetsReceived: count('packetsReceived'),
    packetsLost: count('packetsLost'),
    packetsSpuriouslyLost: count('packetsSpuriouslyLost'),
    congestionMarks: count('congestionMarks'),
    datagramsSent: count('datagramsSent'),
    datagramsReceived: count('datagramsReceived'),
    datagramsLost: count('datagramsLost'),
    keyUpdates: size('keyUpdates'),
    smoothedRtt: size('smoothedRtt'),
    minRtt: size('minRtt'),
    latestRtt: size('latestRtt'),
    ptoCount: size('ptoCount'),
    congestionControl: String(record['congestionControl'] ?? ''),
    congestionWindow: size('congestionWindow'),
    bytesInFlight: size('bytesInFlight'),
    deliveryRate: size('deliveryRate'),
    pacingRate: size('pacingRate'),
    mtu: size('mtu'),
    ecn: ecn === 'testing' || ecn === 'capable' || ecn === 'failed' ? ecn : 'off',
  };
}
