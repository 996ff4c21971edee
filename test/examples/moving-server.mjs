// A server that moves from one address to another and back while a client talks to it, all in one process:
//
//   node moving-server.mjs cert.pem key.pem ca.pem [VARIANT]
//
// VARIANT says who tells the client where the server will be, and when the client looks there:
//   explicit-reactive       the server, before it moves; the client goes there when the old address is silent
//   explicit-proactive      the server, before it moves; the client asks there at once (default)
//   explicit-manual         the server, before it moves; the client asks there when its application says so
//   pool                    the server, at the handshake: candidates, which the client tries when it is silent
//   symmetric               nobody: the server speaks first at its new address
//   synchronized-symmetric  nobody, but the server says that it will move
//
// Both ends offer what they can do when they connect; the server tells its clients of the move (step 1), is bound to the new address
// (step 2), and connections, streams and TLS sessions live on. 127.0.0.1 and 127.0.0.2 stand for two machines.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { connect, listen } from 'node-mvfst';

const [cert, key, ca, variant = 'explicit-proactive'] = process.argv.slice(2);
const hosts = ['127.0.0.1', '127.0.0.2'];
const [, name, explicitProbing] = /^(explicit|pool|symmetric|synchronized-symmetric)(?:-(reactive|proactive|manual))?$/.exec(variant) ?? [];
if (name === undefined || (name === 'explicit') !== (explicitProbing !== undefined)) throw new Error(`there is no variant '${variant}'`);
const protocol = name === 'pool' ? 'pool-of-addresses' : name;

// ---- the server

async function serve(address, pool) {
  const server = await listen({
    address,
    alpn: ['upper'],
    tls: { cert: readFileSync(cert), key: readFileSync(key) },
    serverMigration: { protocols: [protocol], ...(pool && { pool }) },
  });
  server.on('connection', (connection) => {
    connection.on('stream', async (stream) => {
      try {
        stream.end((await text(stream)).toUpperCase());
      } catch (error) {
        console.error(`stream ${stream.id}: ${error.message}`);
      }
    });
  });
  server.on('migration', (event) => console.log(`server: ${event.connection.id} ${event.type}`));
  return server;
}

/** A pool names addresses before the server is at any of them, so its port must be known. */
async function start() {
  const any = await serve(`${hosts[0]}:0`, [`${hosts[0]}:1`]);
  const { port } = any.address;
  await any.close();
  return serve({ host: hosts[0], port }, protocol === 'pool-of-addresses' ? hosts.map((host) => ({ host, port })) : undefined);
}

async function move(server, address) {
  console.log(`server: ${server.address.host} -> ${address.host}`);
  // `await prepared[Symbol.asyncDispose]()` would call the move off: new connections are taken again.
  const prepared = await server.prepareMigration(protocol === 'explicit' ? { protocol, address } : { protocol });
  for (const { connection, status, error } of prepared.outcomes) console.log(`server: ${connection.id} is ${status}${error ? `: ${error.message}` : ''}`);
  for (const { connection, waitsFor } of server.migrationStatus().connections) console.log(`server: ${connection.id} waits for its ${waitsFor}`);
  for (const { connection, status } of await prepared.completed({ address })) console.log(`server: ${connection.id} is ${status}`);
}

// ---- the client

const server = await start();
const connection = await connect(server.address, {
  alpn: ['upper'],
  tls: { ca: readFileSync(ca) },
  serverMigration: { protocols: [protocol], ...(explicitProbing && { explicitProbing }) },
});
connection.on('migration', (event) => {
  console.log(`client: ${event.type}${event.address ? ` ${event.address.host}:${event.address.port}` : ''}`);
  if (event.type === 'announced' && explicitProbing === 'manual') connection.serverMigration.startProbing();
  if (event.type === 'completed') console.log(`client: ${event.downtime.toFixed(1)} ms after the last packet from the old address`);
});

let answers = 0;
async function ask() {
  const question = `question ${answers}`;
  const stream = await connection.openStream();
  stream.end(question);
  if ((await text(stream)) !== question.toUpperCase()) throw new Error('a wrong answer');
  answers++;
}

/** Asks without a pause until `work` is done, so that the move happens under load. */
async function under(work) {
  let isDone = false;
  const asking = (async () => {
    while (!isDone) await ask();
  })();
  await work();
  isDone = true;
  await asking;
}

for (let n = 0; n < 10; n++) await ask();
for (const host of [...hosts].reverse()) {
  await under(() => move(server, { host, port: server.address.port }));
  for (let n = 0; n < 10; n++) await ask();
  console.log(`${answers} answers, none lost; the client talks to ${connection.path.peer.host}`);
}
const { migrations } = await connection.stats();
console.log(`${migrations.completed} moves, ${migrations.downtime.toFixed(1)} ms without the server in all`);

await connection.close();
await server.close();
