// aioquic (Python), from Debian; the program is ours: test/interop/peers/aioquic_peer.py.
import path from 'node:path';
import { root } from '../../lib/run.mjs';
import { contractEnv } from '../contract.mjs';
import { debianRoot, inDebian, versionIn } from '../debian.mjs';

let top;

function program(role, cell) {
  const [command, ...args] = inDebian(top, 'usr/bin/python3.13');
  const python = { PYTHONHOME: path.join(top, 'usr'), PYTHONPATH: path.join(top, 'usr/lib/python3/dist-packages'), PYTHONDONTWRITEBYTECODE: '1' };
  return { command, args: [...args, path.join(root, 'test/interop/peers/aioquic_peer.py')], env: { ...contractEnv(role, cell), ...python } };
}

const noMarks = 'it does not count ECN marks';

export const aioquic = {
  id: 'aioquic',
  title: 'aioquic',
  alpn: 'hq-interop',
  async install() {
    top = await debianRoot();
    return { version: versionIn(top, 'python3-aioquic') };
  },
  server: (cell) => program('server', cell),
  client: (cell) => [program('client', cell)],
  cannot: {
    server: { ecn: noMarks, v2: 'its server takes the first version that the client names, and ours names the one that it begins with', preferredaddress: 'its server offers no preferred address', connectionmigration: 'it answers PATH_CHALLENGE on the path in use only (RFC 9000 §8.2.2 wants it on the path that it came by)' },
    client: { ecn: noMarks, preferredaddress: 'its client stays when the server prefers another address' },
  },
};
