// quinn (Rust, rustls), as the QUIC of Deno, which is an npm package; the program is ours: test/interop/peers/quinn_peer.mjs.
import path from 'node:path';
import { capture, root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';
import { npmPackage } from '../npm.mjs';

const packageName = `@deno/linux-${process.arch}-glibc`;
let deno;

function program(role, cell) {
  const script = path.join(root, 'test/interop/peers/quinn_peer.mjs');
  const env = { ...contractEnv(role, cell), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  return { command: deno, args: ['run', '-A', '--no-config', '--unstable-net', script], env };
}

const onlyVersion1 = 'it speaks QUIC v1 only';
const notInDeno = (what) => `Deno gives no access to quinn's ${what}`;

export const quinn = {
  id: 'quinn',
  title: 'quinn',
  alpn: 'hq-interop',
  async install() {
    deno = path.join(await npmPackage(packageName, '2.9.6'), 'deno');
    return { version: `in ${capture(deno, ['--version']).split(/[\n(]/)[0].trim()}` };
  },
  server: (cell) => program('server', cell),
  client: (cell) => [program('client', cell)],
  cannot: {
    server: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: notInDeno('preferred address'), retry: notInDeno('Retry'), ackfrequency: 'files come from it: it has too little to acknowledge' },
    client: { v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: 'its client stays when the server prefers another address', versionnegotiation: notInDeno('choice of versions'), keyupdate: notInDeno('key update'), connectionmigration: notInDeno('migration') },
  },
};
