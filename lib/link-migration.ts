/** Server migration on one connection: what was negotiated, and at a client the move as it goes. */
import { type SocketAddress } from './address.js';
import { diagnostics } from './diagnostics.js';
import { quicError } from './errors.js';
import { type Link } from './link.js';
import { type ClientMigrationEvent, type NegotiatedServerMigration, type ServerMigrationProtocol, protocolsOf } from './migration.js';
import { type MigrationRecord } from './native.js';

export class LinkMigration implements NegotiatedServerMigration {
  readonly protocols: ReadonlySet<ServerMigrationProtocol>;
  readonly #link: Link;
  #state: NegotiatedServerMigration['state'] = 'idle';
  #isExplicit = false;

  constructor(link: Link, mask: number) {
    this.#link = link;
    this.protocols = protocolsOf(mask);
  }

  get state(): NegotiatedServerMigration['state'] {
    return this.#state;
  }

  startProbing(): void {
    if (this.#link.side !== 'client' || this.#state !== 'announced' || !this.#isExplicit) {
      throw quicError('ERR_QUIC_MIGRATION_INVALID_STATE', 'startProbing() is for an announced address');
    }
    this.#link.startProbing();
  }

  onRecord(record: MigrationRecord): void {
    const event = this.#eventOf(record);
    if (event === undefined) return;
    const { connection } = this.#link;
    diagnostics.migration.publish({ connection, event });
    connection.emit('migration', event);
  }

  #eventOf(record: MigrationRecord): ClientMigrationEvent | undefined {
    const { path } = this.#link;
    const address: SocketAddress = record.address ?? path.peer;
    const protocol = record.protocol ?? 'explicit';
    switch (record.type) {
      case 'pool-address':
        return { type: 'pool-address', address };
      case 'announced':
        this.#state = 'announced';
        this.#isExplicit = protocol === 'explicit';
        if (protocol === 'synchronized-symmetric') return { type: 'announced', protocol };
        return { type: 'announced', protocol: 'explicit', address };
      case 'probing':
        this.#state = 'probing';
        return { type: 'probing', protocol: protocol === 'pool-of-addresses' ? protocol : 'explicit', address };
      case 'reverted':
        this.#state = 'idle';
        return { type: 'reverted', address };
      case 'expired':
        this.#state = 'idle';
        return { type: 'expired', address: record.address };
      case 'detected':
        this.#state = 'validating';
        return { type: 'detected', protocol, address };
      case 'completed':
        this.#state = 'idle';
        return { type: 'completed', protocol, path: { local: path.local, peer: address }, downtime: record.downtime ?? 0 };
      case 'ready':
      case 'failed':
      case 'pool-acknowledged':
        return undefined; // a server's
    }
  }
}
