// A server that names a pool of addresses, all on the port that is given, and is at the first of them until it is killed.
import { echoServer } from './common.mjs';

const [port, ...hosts] = process.argv.slice(2);
const pool = hosts.map((host) => ({ host, port: Number(port) }));
await echoServer({ address: pool[0], serverMigration: { protocols: ['pool-of-addresses'], pool } });
console.log('ready');
