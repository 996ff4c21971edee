/**
 * Server migration: what users say and hear of it. The moving itself is commanded in mover.ts.
 *
 * Both ends say at `connect` and `listen` which protocols they can; what both can is negotiated. A move has two steps: the server's
 * `prepareMigration()` refuses new connections from then on, tells each client what its protocol tells, and resolves when each has
 * answered; then the process or its network is relocated, and `completed()` binds the new address and resolves when each client has
 * been heard there. Streams, keys and what was on its way live on; RTT, congestion window, path MTU and connection IDs start anew.
 * Clients that have no protocol in common with the server are served until it moves, and are then closed with CONNECTION_REFUSED and
 * the reason "server migrated: reconnect".
 */
import { type Abortable } from './abort.js';
import { type Address, type SocketAddress, formatAddress, parseLiteral } from './address.js';
import { type Path, type QuicConnection } from './connection.js';
import { type QuicError, closedError, invalidArgument } from './errors.js';
import { type NativePlan } from './native.js';

/**
 * Who tells the client the new address, and what it costs:
 *
 * - `'explicit'`: the server, before it moves. The client probes that address beside the old one and goes when it is answered; when it
 *   begins is its own choice, see `explicitProbing`.
 * - `'pool-of-addresses'`: the server, at the handshake, as a list of candidates. A client that has asked and hears nothing tries them one
 *   by one. Where it is negotiated no other protocol is used on that connection.
 * - `'symmetric'`: nobody. The server speaks first at its new address, and its client goes there at once and validates it. A client behind
 *   a NAT is not reached from there.
 * - `'synchronized-symmetric'`: likewise, but only between the server's word that it will move and the move.
 */
export type ServerMigrationProtocol = 'explicit' | 'pool-of-addresses' | 'symmetric' | 'synchronized-symmetric';

export interface ClientMigrationOptions {
  /** What this client can; what the server can as well is agreed on. */
  readonly protocols: readonly [ServerMigrationProtocol, ...ServerMigrationProtocol[]];
  /**
   * When to start probing an announced address (Explicit).
   * `'reactive'` waits for a probe timeout on the old address; `'proactive'` starts at once;
   * `'manual'` waits for `connection.serverMigration.startProbing()`. Default `'reactive'`.
   */
  readonly explicitProbing?: 'reactive' | 'proactive' | 'manual';
  /**
   * May this client send to an address that the server names? (RFC 9000 §21.5: request forgery.)
   * `'routable'` refuses loopback, link-local, multicast and unspecified addresses unless the connection itself began on
   * one of that kind; `'any'` refuses unspecified and multicast ones alone. A list names those that are accepted, and no others, of
   * whatever kind: `'192.0.2.7:443'`, `'192.0.2.7'` (any port), `'192.0.2.0/24'`, `'[2001:db8::7]:443'`, `'2001:db8::/32'`; 1 to 64.
   * A refusal closes with ERR_QUIC_MIGRATION_ADDRESS_REFUSED; addresses of a pool that are refused are not tried.
   * Default `'routable'`.
   */
  readonly acceptAddress?: 'routable' | 'any' | readonly [string, ...string[]];
  /** An announced address that was not used by then is forgotten. Milliseconds. Default 60 000. */
  readonly announcementLifetime?: number;
  /**
   * The first probe of each search for the server waits for a random time up to this, so that not all of a server's clients come at
   * the same instant. 0 to 60 000 milliseconds. Default 0.
   */
  readonly probeDelay?: number;
  /**
   * In which order addresses of a pool are tried: these first, at most 16, then the others, ascending; always past the one in use.
   * Default: ascending.
   */
  readonly poolOrder?: readonly [Address, ...Address[]];
}
export interface ServerMigrationOptions {
  /** What this server can; each client gets what it can as well. */
  readonly protocols: readonly [ServerMigrationProtocol, ...ServerMigrationProtocol[]];
  /**
   * Where the server may come to be, its first address included if it may come back. Sent to each client at the handshake when Pool of
   * Addresses is negotiated; needed for that protocol. 1 to 16.
   */
  readonly pool?: readonly [Address, ...Address[]];
}
export interface NegotiatedServerMigration {
  /** What both ends can. */
  readonly protocols: ReadonlySet<ServerMigrationProtocol>;
  /** Where a client is; at a server always `'idle'`. */
  readonly state: 'idle' | 'announced' | 'probing' | 'validating';
  /** Explicit only, in state `'announced'`; otherwise throws ERR_QUIC_MIGRATION_INVALID_STATE. */
  startProbing(): void;
}

/**
 * How one connection is to be moved, or all alike. Only the protocol that needs an address can carry one; it is of the client's
 * family, so a server of both families plans by `connection.path.peer.family`.
 */
export type MigrationPlan =
  | { readonly protocol: 'explicit'; readonly address: Address }
  | { readonly protocol: 'pool-of-addresses' }
  | { readonly protocol: 'symmetric' }
  | { readonly protocol: 'synchronized-symmetric' };
/** Decides for each connection. `'close'` leaves it out: it is served until the server moves, and then closed. */
export type MigrationPlanner = (connection: QuicConnection) => MigrationPlan | 'close';

/** What became of one connection. */
export type MigrationOutcome =
  | { readonly connection: QuicConnection; readonly status: 'ready'; readonly protocol: ServerMigrationProtocol }
  | { readonly connection: QuicConnection; readonly status: 'migrated'; readonly protocol: ServerMigrationProtocol }
  /** It is gone. */
  | { readonly connection: QuicConnection; readonly status: 'closed'; readonly error: QuicError }
  /** It cannot take part: it is served until the server moves, and then closed (ERR_QUIC_MIGRATED). */
  | { readonly connection: QuicConnection; readonly status: 'excluded'; readonly error: QuicError }
  /** The deadline passed before it was ready, or had moved. */
  | { readonly connection: QuicConnection; readonly status: 'pending'; readonly error: QuicError };

/**
 * One connection of a move. `waitsFor`: the client's `'acknowledgment'` of what it was told, the server's `'relocation'`, or the
 * client's `'arrival'` on the new address; nothing when it is done.
 */
export interface ConnectionMigrationStatus {
  readonly connection: QuicConnection;
  /** `undefined`: the plan leaves it out. */
  readonly protocol: ServerMigrationProtocol | undefined;
  readonly state: 'announcing' | 'ready' | 'switching' | 'migrated' | 'excluded' | 'late' | 'closed';
  readonly waitsFor: 'acknowledgment' | 'relocation' | 'arrival' | undefined;
}
/** Where a server's move is, as of now. */
export interface MigrationStatus {
  readonly step: 'idle' | 'preparing' | 'prepared' | 'switching';
  /** Those that were open when the move began; none while idle. */
  readonly connections: readonly ConnectionMigrationStatus[];
}

/** A step of a move that waits for clients. */
export interface MigrationStepOptions extends Abortable {
  /** Connections that have not answered after so many milliseconds are `'pending'` in the outcomes. */
  readonly deadline?: number;
}

/** What a client hears of its server's moves. */
export type ClientMigrationEvent =
  | { readonly type: 'pool-address'; readonly address: SocketAddress }
  | { readonly type: 'announced'; readonly protocol: 'explicit'; readonly address: SocketAddress }
  | { readonly type: 'announced'; readonly protocol: 'synchronized-symmetric' }
  | { readonly type: 'probing'; readonly protocol: 'explicit' | 'pool-of-addresses'; readonly address: SocketAddress }
  | { readonly type: 'reverted'; readonly address: SocketAddress }
  | { readonly type: 'expired'; readonly address: SocketAddress | undefined }
  | { readonly type: 'detected'; readonly protocol: ServerMigrationProtocol; readonly address: SocketAddress }
  /** `downtime`: milliseconds from the last packet on the old path to the end of the move. */
  | { readonly type: 'completed'; readonly protocol: ServerMigrationProtocol; readonly path: Path; readonly downtime: number };
/** What a server hears of its connections while it moves. */
export type ServerMigrationEvent =
  | { readonly type: 'pool-acknowledged'; readonly connection: QuicConnection }
  /** The client is being told; with Symmetric there is nothing to tell. */
  | { readonly type: 'announcing'; readonly connection: QuicConnection; readonly protocol: ServerMigrationProtocol }
  | { readonly type: 'ready'; readonly connection: QuicConnection; readonly protocol: ServerMigrationProtocol }
  /** The server has left the old address; the client is awaited on the new one. */
  | { readonly type: 'switching'; readonly connection: QuicConnection; readonly protocol: ServerMigrationProtocol }
  | { readonly type: 'completed'; readonly connection: QuicConnection; readonly protocol: ServerMigrationProtocol }
  /** It cannot be moved: it is served until the server moves, and then closed. */
  | { readonly type: 'failed'; readonly connection: QuicConnection; readonly error: QuicError };

/** A step of a whole server's move. */
export type MoveStep =
  | { readonly step: 'preparing' | 'switching' | 'cancelled' }
  | { readonly step: 'prepared' | 'completed'; readonly outcomes: readonly MigrationOutcome[] }
  | { readonly step: 'failed'; readonly error: QuicError };

/** A ServerMigrationError by name, as an error. */
export function migrationFailure(name = ''): QuicError {
  return closedError({ kind: 'local', name, wireCode: '0', reason: name, initiator: 'local' });
}

/** Bits of transport parameter 0x64, in the order of the names. */
const bits: ReadonlyMap<ServerMigrationProtocol, number> = new Map([
  ['explicit', 1],
  ['pool-of-addresses', 2],
  ['symmetric', 4],
  ['synchronized-symmetric', 8],
]);
export const protocolNames: readonly ServerMigrationProtocol[] = [...bits.keys()];

export function maskOf(protocols: Iterable<ServerMigrationProtocol>): number {
  let mask = 0;
  for (const protocol of protocols) mask |= bits.get(protocol) ?? 0;
  return mask;
}

export function protocolsOf(mask: number): ReadonlySet<ServerMigrationProtocol> {
  return new Set(protocolNames.filter((name) => (mask & (bits.get(name) ?? 0)) !== 0));
}

/** Checks a plan and turns it into what the native side wants. Connection 0 is all of them. */
export function nativePlan(plan: MigrationPlan | 'close', connection: number): NativePlan {
  if (plan === 'close') return { connection, protocol: 'close' };
  const protocol = (plan as Partial<MigrationPlan> | undefined | null)?.protocol;
  if (protocol === undefined || !bits.has(protocol)) {
    throw invalidArgument(`a plan's \`protocol\` must be one of ${protocolNames.map((name) => `'${name}'`).join(', ')}`);
  }
  if (plan.protocol === 'explicit') {
    return { connection, protocol, address: formatAddress(parseLiteral(plan.address, "the plan's `address`", 1)) };
  }
  if ('address' in plan) throw invalidArgument(`a plan for '${protocol}' has no address`);
  return { connection, protocol };
}
