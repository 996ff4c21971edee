// This package, through its interop endpoint.
import path from 'node:path';
import { root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';

const program = path.join(root, 'scripts/interop-endpoint');

/** `alpn`: what the other end speaks. */
export function ours(role, cell, alpn) {
  return [{ command: process.execPath, args: [program], env: { ...contractEnv(role, cell), ALPN: alpn } }];
}

/** Against itself: a check of the tests, no line of the matrix. */
export const self = {
  id: 'self',
  title: 'node-mvfst',
  alpn: 'hq-interop',
  install: () => ({ version: 'this' }),
  server: (cell) => ours('server', cell, cell.alpn ?? 'hq-interop')[0],
  cannot: { server: {}, client: {} },
};
