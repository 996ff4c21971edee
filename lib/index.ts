/** The public face of the package: three verbs, the objects that they give, and the types of both. Nothing but exports. */
import { type Address } from './address.js';
import { Client } from './client.js';
import { type QuicConnection } from './connection.js';
import { CallSite } from './errors.js';
import { thawAll } from './host.js';
import { loadNative } from './native.js';
import { type ConnectOptions, type ListenOptions } from './options.js';
import { type QuicServer, listenWith } from './server.js';
import { integer } from './validate.js';

const client = new Client(loadNative);

/**
 * Opens a connection. Resolves when the handshake is complete and the server is authenticated; `signal` governs only until
 * then.
 */
export function connect(address: Address, options: ConnectOptions): Promise<QuicConnection> {
  return client.connect(address, options);
}

/** Binds and listens. Resolves when the socket is bound. */
export function listen(options: ListenOptions): Promise<QuicServer> {
  return listenWith(loadNative, options, new CallSite(listen));
}

/**
 * For a process that was frozen and goes on, perhaps elsewhere, perhaps as a copy: draws fresh randomness, and does not count the
 * time that passed meanwhile, `frozenFor` milliseconds (default 0: not known), towards idle timeouts, handshakes and
 * announcements. Freezes of a second and more are noticed without being told; a copy, or a shorter one, is not. Acts on all
 * connections and servers of this thread's environment.
 */
export function thaw(frozenFor = 0): void {
  integer(0, 86_400_000)(frozenFor, 'frozenFor');
  thawAll(frozenFor);
}

export { QuicConnection, type CloseOptions, type HandshakeInfo, type MigrateOptions, type Path, type QuicConnectionEvents } from './connection.js';
export { type ConnectionStats, type MigrationStats } from './stats.js';
export { type DatagramOutcome, type Datagrams, type DatagramSendOptions } from './datagrams.js';
export { type StreamPriority } from './priority.js';
export { QuicServer, type QuicServerEvents, type ServerStats } from './server.js';
export { QuicReceiveStream, QuicSendStream, QuicStream, type OpenStreamOptions, type ResetOptions, type StreamIdentity } from './streams.js';
export { PreparedMigration } from './mover.js';
export { QuicError, type ErrorCodeInput, type QuicErrorCode } from './errors.js';
export { type Abortable } from './abort.js';
export { type Address, type SocketAddress } from './address.js';
export {
  type AddressValidation,
  type CipherSuite,
  type ClientTls,
  type CongestionControl,
  type ConnectOptions,
  type ListenOptions,
  type Pem,
  type QlogSink,
  type ServerIdentity,
  type ServerTls,
  type TlsOptions,
  type TransportOptions,
} from './options.js';
export {
  type ClientMigrationEvent,
  type ClientMigrationOptions,
  type ConnectionMigrationStatus,
  type MigrationOutcome,
  type MigrationPlan,
  type MigrationPlanner,
  type MigrationStatus,
  type MigrationStepOptions,
  type NegotiatedServerMigration,
  type ServerMigrationEvent,
  type ServerMigrationOptions,
  type ServerMigrationProtocol,
} from './migration.js';
