// Memory after many connections that are over is what it was after few. Needs --expose-gc.
import { text } from 'node:stream/consumers';
import { dial, echoServer } from './common.mjs';

const server = await echoServer();

async function use(times) {
  for (let i = 0; i < times; i++) {
    const connection = await dial(server.address);
    const stream = await connection.openStream();
    stream.end(Buffer.alloc(10_000));
    await text(stream);
    await connection.close();
  }
  globalThis.gc();
  return process.memoryUsage().rss;
}

await use(300);
const before = await use(300);
const grown = (await use(1500)) - before;
console.log(`grew by ${Math.round(Math.max(0, grown) / 1024)} KiB`);
await server.close();
if (grown > 24 * 1024 * 1024) process.exitCode = 1;
