// Serves on a socket that was handed over as systemd does, and asks itself one question over it.
import { text } from 'node:stream/consumers';
import { dial, echoServer } from './common.mjs';

const server = await echoServer({ fd: 'systemd' });
const connection = await dial(server.address);
const stream = await connection.openStream();
stream.end('over a socket of systemd\'s');
console.log(`served on ${server.address.port}: ${await text(stream)}`);
await connection.close();
await server.close();
