/**
 * Channels of node:diagnostics_channel, for tracing and metrics. Publishing costs nothing while nobody subscribes.
 *
 * | channel | message | when |
 * |---|---|---|
 * | `node-mvfst:connection` | `{ connection }` | a handshake finished |
 * | `node-mvfst:connection:closed` | `{ connection, error }` | a connection ended; `error` is undefined when it was closed cleanly |
 * | `node-mvfst:migration` | `{ connection, event }` | as the `'migration'` events |
 */
import { channel } from 'node:diagnostics_channel';

export const diagnostics = {
  connection: channel('node-mvfst:connection'),
  closed: channel('node-mvfst:connection:closed'),
  migration: channel('node-mvfst:migration'),
} as const;
