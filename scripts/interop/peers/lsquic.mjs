// lsquic (LiteSpeed, BoringSSL), as the node:quic of Bun, which is an npm package; the program is ours:
// test/interop/peers/lsquic_peer.mjs.
import path from 'node:path';
import { capture, root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';
import { npmPackage } from '../npm.mjs';

const packageName = `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
let bun;

function program(role, cell) {
  const script = path.join(root, 'test/interop/peers/lsquic_peer.mjs');
  return { command: bun, args: [script], env: { ...contractEnv(role, cell), NO_COLOR: '1' } };
}

const notInBun = (what) => `Bun gives no access to lsquic's ${what}`;

const noMarks = 'it does not count ECN marks';

export const lsquic = {
  id: 'lsquic',
  title: 'lsquic',
  alpn: 'hq-interop',
  async install() {
    bun = path.join(await npmPackage(packageName, '1.4.5'), 'bin/bun');
    return { version: `in bun ${capture(bun, ['--version'])}` };
  },
  server: (cell) => program('server', cell),
  client: (cell) => [program('client', cell)],
  cannot: {
    server: { ecn: noMarks, preferredaddress: notInBun('preferred address'), retry: 'Bun takes the option validateAddress but sends no Retry' },
    client: {
      ecn: noMarks, keyupdate: "Bun's updateKey() does nothing: the key phase stays", versionnegotiation: notInBun('choice of versions'), v2only: notInBun('choice of versions'), connectionmigration: notInBun('migration'),
    },
  },
};
