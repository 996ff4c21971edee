// A user's program, as an ES module: handshake and echo on loopback, then an end of its own accord.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { connect, listen } from 'node-mvfst';

const pem = (name) => {
  const file = process.env[name];
  if (file === undefined) throw new Error(`${name} must name a PEM file`);
  return readFileSync(file, 'utf8');
};

const server = await listen({ address: '127.0.0.1:0', alpn: ['echo'], tls: { cert: pem('TEST_CERT'), key: pem('TEST_KEY') } });
server.on('connection', (connection) => {
  connection.on('stream', (stream) => void pipeline(stream, stream).catch(() => undefined));
});

const connection = await connect(server.address, { alpn: ['echo'], tls: { ca: pem('TEST_CA') }, signal: AbortSignal.timeout(10_000) });
const stream = await connection.openStream();
stream.end('hello');
const answer = await text(stream);
if (answer !== 'hello') throw new Error(`the answer was '${answer}'`);
await connection.close();
await server.close();
console.log('ok');
