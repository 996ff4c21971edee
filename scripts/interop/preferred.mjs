// The addresses that a server of the case `connectionmigration` would rather be reached at: its own, at ports that are free.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import os from 'node:os';

const isUnspecified = (host) => host === '::' || host === '0.0.0.0';

/** One of each family that the machine has towards others. */
function machineAddresses(host) {
  const outward = Object.values(os.networkInterfaces()).flat().filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const families = host === '::' ? ['IPv4', 'IPv6'] : ['IPv4'];
  return families.map((wanted) => outward.find(({ family }) => family === wanted)?.address).filter((address) => address !== undefined);
}

async function freePortOf(host) {
  const socket = dgram.createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

/** `host`: where the server listens. */
export async function preferredAddresses(host) {
  const hosts = isUnspecified(host) ? machineAddresses(host) : [host];
  return Promise.all(hosts.map(async (one) => ({ host: one, port: await freePortOf(one) })));
}
