// An echo server: node echo-server.mjs 127.0.0.1:4433 cert.pem key.pem
import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { listen } from 'node-mvfst';

const [address, cert, key] = process.argv.slice(2);
const server = await listen({
  address,
  alpn: ['echo'],
  tls: { cert: readFileSync(cert), key: readFileSync(key) },
  idleTimeout: 30_000,
});
console.log(`listening on ${server.address.host}:${server.address.port}`);
process.once('SIGINT', () => void server.close());
process.once('SIGTERM', () => void server.close());

async function serve(connection) {
  for await (const stream of connection.incomingStreams) {
    // Streams in one direction can only be read: nothing to echo on.
    if (!('write' in stream)) stream.stopSending();
    else pipeline(stream, stream).catch((error) => console.error(`stream ${stream.id}: ${error.message}`));
  }
}

for await (const connection of server) {
  const { host, port } = connection.path.peer;
  console.log(`${connection.id} from ${host}:${port}`);
  serve(connection).catch(console.error);
  connection.closed.catch((error) => console.error(`${connection.id}: ${error.message}`));
}
