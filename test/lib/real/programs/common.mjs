// What the programs of the life-cycle tests have in common.
import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { connect, listen } from '../../../../dist/esm/index.js';

const pem = (name) => readFileSync(process.env[name], 'utf8');

export async function echoServer(options = {}) {
  const server = await listen({ address: '127.0.0.1:0', alpn: ['test'], tls: { cert: pem('TEST_CERT'), key: pem('TEST_KEY') }, ...options });
  server.on('connection', (connection) => {
    connection.on('stream', (stream) => pipeline(stream, stream).catch(() => undefined));
  });
  return server;
}

export function dial(address, options = {}) {
  return connect(address, { alpn: ['test'], tls: { ca: pem('TEST_CA') }, ...options });
}
