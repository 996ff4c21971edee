// OpenSSL's own QUIC (no part of it is in this package), from Debian, as a program of ours: test/interop/peers/openssl/main.c.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../lib/run.mjs';
import { builtFrom, cacheFolder } from '../built.mjs';
import { contractEnv } from '../contract.mjs';
import { debianRoot, inDebian, versionIn } from '../debian.mjs';

let top;
let binary;

/** Only OpenSSL's headers out of the folder: all others are the machine's. */
function headers(machine) {
  const folder = path.join(cacheFolder, 'openssl-include');
  const place = path.join(folder, 'openssl');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const from of ['usr/include/openssl', `usr/include/${machine}/openssl`].map((name) => path.join(top, name))) {
    for (const name of readdirSync(from)) symlinkSync(path.join(from, name), path.join(place, name));
  }
  return folder;
}

/** Linked with the folder's libraries, whose C library is newer than the machine's may be: run under the folder's linker. */
function build(_sources, out) {
  const libraries = readdirSync(path.join(top, 'usr/lib')).find((name) => existsSync(path.join(top, 'usr/lib', name, 'libssl.so')));
  const library = (name) => path.join(top, 'usr/lib', libraries, name);
  const args = ['-O2', '-Wall', '-Wextra', '-I', headers(libraries), 'main.c', '-o', out, library('libssl.so'), library('libcrypto.so'), '-Wl,--allow-shlib-undefined'];
  return { command: process.env.CC ?? 'cc', args };
}

function program(role, cell) {
  const [command, ...args] = inDebian(top, '');
  return { command, args: [...args.slice(0, -1), binary], env: contractEnv(role, cell) };
}

const noDatagrams = 'it has no datagrams';
const noMarks = 'it does not count ECN marks';
const onlyVersion1 = 'it speaks QUIC v1 only';
const noEarlyData = 'its QUIC has no 0-RTT';
/** Seen: its probe timeouts, which double, carry PING only; data is repeated when a later acknowledgment shows the loss. */
const slowRepeats = 'it repeats lost handshake data only when a probe is answered: at this loss a handshake takes longer than idle timeouts';
/** Seen with quic-go's client too: it falls silent. */
const noMigration = 'its QUIC has no migration';
const noPreference = 'its server offers no preferred address';

export const openssl = {
  id: 'openssl',
  title: 'OpenSSL',
  alpn: 'hq-interop',
  async install() {
    top = await debianRoot();
    const version = versionIn(top, 'libssl-dev');
    binary = await builtFrom(path.join(root, 'test/interop/peers/openssl'), `${top} ${version}`, build);
    return { version };
  },
  server: (cell) => program('server', cell),
  client: (cell) => [program('client', cell)],
  cannot: {
    server: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: noPreference, ecn: noMarks, zerortt: noEarlyData, datagram: noDatagrams, handshakeloss: slowRepeats, 'rebind-port': noMigration, 'rebind-addr': noMigration, connectionmigration: noMigration },
    client: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: noMigration, ecn: noMarks, zerortt: noEarlyData, datagram: noDatagrams, handshakeloss: slowRepeats, versionnegotiation: 'its client offers no other version than v1', connectionmigration: noMigration },
  },
};
