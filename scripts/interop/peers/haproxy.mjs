// haproxy, whose QUIC is its own, from Debian. A server only; it speaks HTTP/0.9 for tests like these, and asks a small HTTP
// server of ours for the files.
import { createServer } from 'node:http';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { debianRoot, inDebian, versionIn } from '../debian.mjs';
import { fileBelow } from '../files.mjs';

let top;

/** The files, for haproxy to fetch; unref'd, and closed when the matrix is. */
async function filesBehind(www) {
  const backend = createServer((request, response) => {
    const found = fileBelow(www, request.url);
    response.writeHead(found === undefined ? 404 : 200, { 'content-length': found?.size ?? 0 });
    if (found === undefined) response.end();
    else createReadStream(found.file).pipe(response);
  });
  backend.unref();
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve));
  return backend.address().port;
}

function configuration({ testcase, port, folder, certs }, backendPort) {
  const bundle = path.join(folder, 'haproxy.pem');
  writeFileSync(bundle, readFileSync(path.join(certs, 'cert.pem'), 'utf8') + readFileSync(path.join(certs, 'priv.key'), 'utf8'));
  const chacha20 = testcase === 'chacha20' ? 'ciphersuites TLS_CHACHA20_POLY1305_SHA256' : '';
  const retry = testcase === 'retry' ? 'quic-force-retry' : '';
  return `global
  limited-quic
  nbthread 1
  tune.quic.frontend.max-streams-bidi 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend tests
  bind quic4@127.0.0.1:${port} ssl crt ${bundle} alpn hq-interop allow-0rtt ${chacha20} ${retry}
  default_backend files
backend files
  server files 127.0.0.1:${backendPort}
`;
}

async function server(cell) {
  const file = path.join(cell.folder, 'haproxy.cfg');
  writeFileSync(file, configuration(cell, await filesBehind(cell.www)));
  const [command, ...args] = inDebian(top, 'usr/sbin/haproxy');
  return { command, args: [...args, '-db', '-f', file] };
}

/** Seen with quic-go's client too. */
const doesNotFollow = 'it falls silent when the address of a client changes, whichever client it is';

export const haproxy = {
  id: 'haproxy',
  title: 'haproxy',
  alpn: 'hq-interop',
  async install() {
    top = await debianRoot();
    return { version: versionIn(top, 'haproxy') };
  },
  server,
  isServerOnly: true,
  cannot: {
    server: {
      datagram: 'it has no datagrams', ecn: 'it does not count ECN marks',
      v2: 'its server takes the first version that the client names, and ours names the one that it begins with', preferredaddress: 'its server offers no preferred address',
      zerortt: "Debian's haproxy has no 0-RTT for QUIC (built for OpenSSL's older API)",
      'rebind-port': doesNotFollow, 'rebind-addr': doesNotFollow, connectionmigration: doesNotFollow,
    },
    client: {},
  },
};
