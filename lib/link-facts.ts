/** What records say of a connection, in the words of the public face. */
import { parseLiteral } from './address.js';
import { type HandshakeInfo, type MigrateOptions, type Path } from './connection.js';
import { type OpenedRecord, type PathRecord } from './native.js';
import { anything, fields, truth } from './validate.js';

/** RFC 9369 §3.1. */
const kVersion2 = 0x6b3343cf;

export function frozenPath({ local, peer }: PathRecord): Path {
  return Object.freeze({ local, peer });
}

export function handshakeInfo({ version, cipher, isResumed, earlyData, serverName }: OpenedRecord): HandshakeInfo {
  return { version: version === kVersion2 ? 2 : version, cipher, isResumed, earlyData, serverName: serverName === '' ? undefined : serverName };
}

const checkMigrate = fields({ localAddress: anything, probe: truth, signal: anything });

export function migrateRequest(options: MigrateOptions): {
  readonly local: { readonly host: string; readonly port: number };
  readonly probe: boolean;
  readonly signal: AbortSignal | undefined;
} {
  checkMigrate(options, 'options');
  const { host, port } = parseLiteral(options.localAddress, '`localAddress`', 0);
  return { local: { host, port }, probe: options.probe ?? true, signal: options.signal };
}
