/** Snapshots of what the transport knows of a connection. */
import { type StatsRecord } from './native.js';

/** A snapshot. Times are milliseconds. */
export interface ConnectionStats {
  readonly bytesSent: bigint;
  readonly bytesReceived: bigint;
  readonly packetsSent: bigint;
  readonly packetsReceived: bigint;
  /** Declared lost; those that came after all are counted in `packetsSpuriouslyLost` too. */
  readonly packetsLost: bigint;
  readonly packetsSpuriouslyLost: bigint;
  readonly datagramsSent: bigint;
  readonly datagramsReceived: bigint;
  readonly datagramsLost: bigint;
  readonly keyUpdates: number;
  readonly smoothedRtt: number;
  readonly minRtt: number;
  readonly congestionWindow: number;
  readonly bytesInFlight: number;
  /** UDP payload that the path is known to carry. */
  readonly mtu: number;
  /** Whether the path carries ECN marks (RFC 9000 §13.4.2). */
  readonly ecn: 'testing' | 'capable' | 'failed' | 'off';
}

const ecnNames = ['testing', 'capable', 'failed', 'off'] as const;

export function connectionStats(record: StatsRecord): ConnectionStats {
  const count = (name: string): bigint => BigInt(Math.trunc(record[name] ?? 0));
  const size = (name: string): number => record[name] ?? 0;
  return {
    bytesSent: count('bytesSent'),
    bytesReceived: count('bytesReceived'),
    packetsSent: count('packetsSent'),
    packetsReceived: count('packetsReceived'),
    packetsLost: count('packetsLost'),
    packetsSpuriouslyLost: count('packetsSpuriouslyLost'),
    datagramsSent: count('datagramsSent'),
    datagramsReceived: count('datagramsReceived'),
    datagramsLost: count('datagramsLost'),
    keyUpdates: size('keyUpdates'),
    smoothedRtt: size('smoothedRtt'),
    minRtt: size('minRtt'),
    congestionWindow: size('congestionWindow'),
    bytesInFlight: size('bytesInFlight'),
    mtu: size('mtu'),
    ecn: ecnNames[size('ecn')] ?? 'off',
  };
}
