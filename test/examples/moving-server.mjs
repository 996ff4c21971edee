// A server that moves from one address to another while a client talks to it, all in one process:
//
//   node moving-server.mjs cert.pem key.pem ca.pem [reactive|proactive]
//
// The client announces that it can follow; the server tells it the new address (step 1), is bound there (step 2), and the
// connection, its streams and its TLS session live on. 127.0.0.1 and 127.0.0.2 stand for two machines.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, listen } from 'node-mvfst';

const [cert, key, ca, explicitProbing = 'proactive'] = process.argv.slice(2);
const server = await listen({
  address: '127.0.0.1:0',
  alpn: ['upper'],
  tls: { cert: readFileSync(cert), key: readFileSync(key) },
  serverMigration: { protocols: ['explicit'] },
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

const connection = await connect(server.address, {
  alpn: ['upper'],
  tls: { ca: readFileSync(ca) },
  serverMigration: { protocols: ['explicit'], explicitProbing },
});
const completed = new Promise((resolve) => {
  connection.on('migration', (event) => {
    console.log(`client: ${event.type}${event.address ? ` ${event.address.host}:${event.address.port}` : ''}`);
    if (event.type === 'completed') resolve();
  });
});

async function ask(question) {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

/** Asks without a pause until told to stop, so that the move happens under load. */
let isDone = false;
let answers = 0;
const asking = (async () => {
  while (!isDone) {
    if ((await ask(`question ${answers}`)) !== `QUESTION ${answers}`) throw new Error('a wrong answer');
    answers++;
  }
})();

await sleep(100);
const next = { host: '127.0.0.2', port: server.address.port };
console.log(`server: ${server.address.host} -> ${next.host}`);
{
  const move = await server.prepareMigration({ protocol: 'explicit', address: next });
  for (const { connection: { id }, status } of move.outcomes) console.log(`server: ${id} is ${status}`);
  for (const { connection: { id }, status } of await move.completed({ address: next })) console.log(`server: ${id} is ${status}`);
}
await completed;
await sleep(100);
isDone = true;
await asking;
console.log(`${answers} answers, none lost; the client now talks to ${connection.path.peer.host}`);

await connection.close();
await server.close();
