// Ways to end a process: node end.mjs closed|open|connecting|streaming|threads|held|throwing
import { text } from 'node:stream/consumers';
import { dial, echoServer } from './common.mjs';

const ways = {
  async closed() {
    const server = await echoServer();
    const connection = await dial(server.address);
    const stream = await connection.openStream();
    stream.end('x');
    await text(stream);
    await connection.close();
    await server.close();
    console.log('ready');
  },
  async open() {
    const server = await echoServer();
    await dial(server.address);
    console.log('ready');
    process.exit(0);
  },
  async connecting() {
    dial('192.0.2.1:4433').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log('ready');
    process.exit(0);
  },
  async streaming() {
    const server = await echoServer({ workers: 0 });
    const connection = await dial(server.address);
    const stream = await connection.openStream();
    stream.on('error', () => undefined);
    stream.on('data', () => undefined);
    const more = () => stream.write(Buffer.alloc(100_000), more);
    more();
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log('ready');
    process.exit(0);
  },
  async threads() {
    const server = await echoServer({ workers: 2 });
    const connection = await dial(server.address, { threaded: true });
    const stream = await connection.openStream();
    const more = () => stream.write(Buffer.alloc(100_000), more);
    more();
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log('ready');
    process.exit(0);
  },
  async held() {
    const server = await echoServer();
    const connection = await dial(server.address);
    setTimeout(async () => {
      console.log('held');
      await connection.close();
      await server.close();
    }, 200).unref();
  },
  async throwing() {
    const server = await echoServer();
    const connection = await dial(server.address);
    connection.on('stream', () => undefined);
    const stream = await connection.openStream();
    stream.on('data', () => {
      throw new Error("the listener's own");
    });
    stream.end('x');
  },
};

await ways[process.argv[2]]();
