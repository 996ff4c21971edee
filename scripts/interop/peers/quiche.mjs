// quiche (Cloudflare, Rust, BoringSSL), from the npm package @matrixai/quic; the program is ours: test/interop/peers/quiche_peer.mjs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';
import { npmPackage } from '../npm.mjs';

let folder;

function program(role, cell) {
  const script = path.join(root, 'test/interop/peers/quiche_peer.mjs');
  return { command: process.execPath, args: [script, path.join(folder, 'dist/index.js')], env: contractEnv(role, cell) };
}

const onlyVersion1 = 'it speaks QUIC v1 only';
const noMarks = 'it does not count ECN marks';
/** Seen, with quic-go's client too: its old path's probe timeout doubles and doubles, and each time it fires it repeats a packet or two. */
const slowRepeats = "once a client's address has changed, what was in flight is not declared lost but repeated at probe timeouts only, which takes minutes";

export const quiche = {
  id: 'quiche',
  title: 'quiche',
  alpn: 'hq-interop',
  async install() {
    folder = await npmPackage('@matrixai/quic', '2.0.9');
    const cargo = readFileSync(path.join(folder, 'Cargo.toml'), 'utf8');
    return { version: /^quiche = .*?"([\d.]+)"/m.exec(cargo)?.[1] ?? '' };
  },
  server: (cell) => program('server', cell),
  client: (cell) => [program('client', cell)],
  cannot: {
    server: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: 'its server offers no preferred address', ecn: noMarks, 'rebind-port': slowRepeats, 'rebind-addr': slowRepeats },
    client: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: 'its client stays when the server prefers another address', ecn: noMarks, versionnegotiation: 'its client offers no other version than v1', keyupdate: 'it never starts a key update by itself' },
  },
};
