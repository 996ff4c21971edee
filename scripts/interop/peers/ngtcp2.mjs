// ngtcp2's example programs, with GnuTLS, from Debian. They speak HTTP/3 only.
import path from 'node:path';
import { debianRoot, inDebian, versionIn } from '../debian.mjs';

let top;

const chacha20 = '--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305';

function run(program, args) {
  const [command, ...first] = inDebian(top, program);
  return { command, args: [...first, ...args] };
}

const bothVersions = ['--preferred-versions=v2,v1', '--available-versions=v2,v1'];
const serverOptions = { retry: ['-V'], chacha20: [chacha20], v2: bothVersions, v2only: bothVersions };

function server({ testcase, port, preferredPort, www, certs }) {
  const options = testcase === 'connectionmigration' ? [`--preferred-ipv4-addr=127.0.0.1:${preferredPort}`] : (serverOptions[testcase] ?? []);
  return run('usr/sbin/gtlsserver', ['-q', ...options, '-d', www, '127.0.0.1', String(port), path.join(certs, 'priv.key'), path.join(certs, 'cert.pem')]);
}

const clientOptions = {
  chacha20: [chacha20],
  keyupdate: ['--key-update=1ms'],
  versionnegotiation: ['-v', '0x1a2a3a4a', '--preferred-versions=v1', '--available-versions=v1'],
  v2: ['-v', 'v1', ...bothVersions],
  v2only: ['-v', 'v2', ...bothVersions],
  connectionmigration: ['--change-local-addr=20ms'],
};

function client({ testcase, downloads, folder, requests }) {
  const { hostname, port } = new URL(requests[0]);
  const session = [`--session-file=${path.join(folder, 'session')}`, `--tp-file=${path.join(folder, 'params')}`];
  const command = (urls, options) =>
    run('usr/bin/gtlsclient', ['-q', '--exit-on-all-streams-close', `--download=${downloads}`, ...options, hostname, port, ...urls]);
  if (testcase === 'multiconnect' || testcase === 'handshakeloss') return requests.map((url) => command([url], []));
  if (testcase === 'resumption' || testcase === 'zerortt') {
    const early = testcase === 'zerortt' ? [] : ['--disable-early-data'];
    return [command(requests.slice(0, 1), [...session, '--wait-for-ticket', ...early]), command(requests.slice(1), [...session, ...early])];
  }
  return [command(requests, clientOptions[testcase] ?? [])];
}

const noDatagrams = 'its example programs send no datagrams';

export const ngtcp2 = {
  id: 'ngtcp2',
  title: 'ngtcp2',
  alpn: 'h3',
  async install() {
    top = await debianRoot();
    return { version: versionIn(top, 'ngtcp2-client') };
  },
  server,
  client,
  cannot: { server: { datagram: noDatagrams }, client: { datagram: noDatagrams } },
};
