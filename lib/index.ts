/** The public face of the package: two verbs, the objects that they give, and the types of both. Nothing but exports. */
import { type Address } from './address.js';
import { Client } from './client.js';
import { type QuicConnection } from './connection.js';
import { CallSite } from './errors.js';
import { loadNative } from './native.js';
import { type ConnectOptions, type ListenOptions } from './options.js';
import { type QuicServer, listenWith } from './server.js';

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
