// Sends what it is given and prints what comes back: node echo-client.mjs localhost:4433 ca.pem hello
// It follows a server that moves, and says so.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { connect } from 'node-mvfst';

const [address, ca, ...words] = process.argv.slice(2);
const connection = await connect(address, {
  alpn: ['echo'],
  tls: { ca: readFileSync(ca) },
  serverMigration: { protocols: ['explicit', 'symmetric'] },
  signal: AbortSignal.timeout(10_000),
});
connection.on('migration', (event) => console.error(`server migration: ${event.type}`));

for (const word of words) {
  const stream = await connection.openStream();
  stream.end(word);
  console.log(await text(stream));
}
const { smoothedRtt } = await connection.stats();
console.error(`round trip ${smoothedRtt.toFixed(2)} ms`);
await connection.close();
