// quic-go, from Debian, as a program of ours: test/interop/peers/quicgo/main.go.
import path from 'node:path';
import { root } from '../../lib/run.mjs';
import { builtFrom, cacheFolder } from '../built.mjs';
import { contractEnv } from '../contract.mjs';
import { debianRoot, versionIn } from '../debian.mjs';

let program;

function build(top) {
  const goRoot = path.join(top, 'usr/lib/go-1.24');
  const env = {
    GOROOT: goRoot, GOPATH: path.join(top, 'usr/share/gocode'), GOCACHE: path.join(cacheFolder, 'go-build'),
    GO111MODULE: 'off', GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'local', CGO_ENABLED: '0',
  };
  return (_sources, out) => ({ command: path.join(goRoot, 'bin/go'), args: ['build', '-o', out, '.'], env });
}

const notCompatible = 'it negotiates no compatible version (RFC 9368)';

export const quicgo = {
  id: 'quic-go',
  title: 'quic-go',
  alpn: 'hq-interop',
  async install() {
    const top = await debianRoot();
    const version = versionIn(top, 'golang-github-lucas-clemente-quic-go-dev');
    program = await builtFrom(path.join(root, 'test/interop/peers/quicgo'), version, build(top));
    return { version };
  },
  server: (cell) => ({ command: program, env: contractEnv('server', cell) }),
  client: (cell) => [{ command: program, env: contractEnv('client', cell) }],
  cannot: {
    server: { v2: notCompatible, preferredaddress: 'its server offers no preferred address', connectionmigration: 'its server forbids it (disable_active_migration)' },
    client: { v2: notCompatible, preferredaddress: 'its client stays when the server prefers another address', connectionmigration: 'this version of it cannot migrate a client' },
  },
};
