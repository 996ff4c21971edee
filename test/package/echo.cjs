// A user's program, as CommonJS: handshake and echo on loopback, then an end of its own accord.
const { readFileSync } = require('node:fs');
const { text } = require('node:stream/consumers');
const { pipeline } = require('node:stream/promises');
const { connect, listen } = require('node-mvfst');

const pem = (name) => {
  const file = process.env[name];
  if (file === undefined) throw new Error(`${name} must name a PEM file`);
  return readFileSync(file, 'utf8');
};

async function main() {
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
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
