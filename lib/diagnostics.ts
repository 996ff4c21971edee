/**
 * Channels of node:diagnostics_channel, for tracing and metrics. Publishing costs nothing while nobody subscribes.
 *
 * | channel | message | when |
 * |---|---|---|
 * | `node-mvfst:connection` | `{ connection }` | a handshake finished |
 * | `node-mvfst:connection:closed` | `{ connection, error }` | a connection ended; `error` is undefined when it was closed cleanly |
 * | `node-mvfst:connection:refused` | `{ server, error, peer }` | as a server's `'refused'` events |
 * | `node-mvfst:migration` | `{ connection, event }` | as the `'migration'` events: one connection, either end |
 * | `node-mvfst:server-migration` | `{ server, step, outcomes?, error? }` | a whole server's move: `'preparing'`, `'prepared'`, `'switching'`, `'completed'`, or `'failed'` (it cannot be bound), `'cancelled'` |
 * | `node-mvfst:path` | `{ connection, path }` | as the `'pathChanged'` events |
 */
import { channel } from 'node:diagnostics_channel';

export const diagnostics = {
  connection: channel('node-mvfst:connection'),
  closed: channel('node-mvfst:connection:closed'),
  refused: channel('node-mvfst:connection:refused'),
  path: channel('node-mvfst:path'),
  serverMigration: channel('node-mvfst:server-migration'),
  migration: channel('node-mvfst:migration'),
} as const;
