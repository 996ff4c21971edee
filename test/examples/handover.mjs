// A server hands its address over to the next one, as for an upgrade, and no connection is lost:
//
//   node handover.mjs cert.pem key.pem ca.pem
//
// The old server moves aside, to another port, and its clients with it; the new one is bound to the address that is free then, and
// takes all new connections; the old one goes when its last client has gone. Both have the same secrets, so that a client which
// cannot follow is told to reconnect and resumes its session with the new one. Here both are in one process; elsewhere they would
// be two, and the old one would tell the new one when the address is free.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { connect, listen } from 'node-mvfst';

const [cert, key, ca] = process.argv.slice(2);
const protocols = ['symmetric'];
const secrets = [randomBytes(32)];

async function serve(name, address) {
  const server = await listen({ address, alpn: ['name'], tls: { cert: readFileSync(cert), key: readFileSync(key) }, secrets, serverMigration: { protocols } });
  server.on('connection', (connection) => {
    connection.on('stream', (stream) => {
      stream.on('error', (error) => console.error(`stream ${stream.id}: ${error.message}`)).resume();
      stream.end(name);
    });
  });
  return server;
}

const dial = (address, options = {}) => connect(address, { alpn: ['name'], tls: { ca: readFileSync(ca) }, ...options });
async function whoIsThere(connection) {
  const stream = await connection.openStream();
  stream.end();
  return `${await text(stream)}, port ${connection.path.peer.port}`;
}

const old = await serve('old', '127.0.0.1:0');
const { address } = old;
const follower = await dial(address, { serverMigration: { protocols } });
const stranger = await dial(address);
const session = new Promise((resolve) => stranger.on('session', resolve));
const leftBehind = stranger.closed.catch((error) => error.reason);
console.log(`before: ${await whoIsThere(follower)}; ${await whoIsThere(stranger)}`);

const move = await old.prepareMigration({ protocol: 'symmetric' });
for (const { connection, status } of await move.completed({ address: '127.0.0.1:0' })) console.log(`${connection.id} is ${status}`);
const drained = old.drain();
const next = await serve('next', address);

console.log(`the one that cannot follow was told: ${await leftBehind}`);
const again = await dial(address, { session: await session });
console.log(`after: ${await whoIsThere(follower)}; ${await whoIsThere(again)}${again.handshake.isResumed ? ', resumed' : ''}`);

await follower.close();
await drained;
console.log('the old server is gone');
await again.close();
await next.close();
