// Connections, streams and a server that nobody holds any more must be collected. Needs --expose-gc.
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { dial, echoServer } from './common.mjs';

async function use() {
  const server = await echoServer();
  const connection = await dial(server.address);
  const stream = await connection.openStream();
  stream.end('x');
  await text(stream);
  // The client is done with its handshake before the server is: only now is the connection surely there.
  const accepted = [...server.connections][0];
  const refs = [server, connection, accepted, stream].map((object) => new WeakRef(object));
  await connection.close();
  await server.close();
  return refs;
}

const refs = await use();
for (let i = 0; i < 20 && refs.some((ref) => ref.deref() !== undefined); i++) {
  await sleep(20);
  globalThis.gc();
}
const left = refs.map((ref) => ref.deref()?.constructor.name).filter((name) => name !== undefined);
if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
console.log('collected');
