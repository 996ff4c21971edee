// nginx, whose QUIC is its own, from Debian. A server only; it speaks HTTP/0.9 for tests like these.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { debianRoot, inDebian, versionIn } from '../debian.mjs';

let top;

function configuration({ testcase, port, www, certs, folder }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/nginx;`).join(' ');
  return `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr info;
events { worker_connections 1024; }
http {
  access_log off; ${temporary}
  http3_hq on; keepalive_requests 100000; quic_retry ${testcase === 'retry' ? 'on' : 'off'};
  ssl_protocols TLSv1.3; ssl_early_data on; ssl_certificate ${certs}/cert.pem; ssl_certificate_key ${certs}/priv.key;
  ${testcase === 'chacha20' ? 'ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;' : ''}
  server { listen 127.0.0.1:${port} quic reuseport; root ${www}; }
}
`;
}

function server(cell) {
  const file = path.join(cell.folder, 'nginx.conf');
  mkdirSync(path.join(cell.folder, 'nginx'), { recursive: true });
  writeFileSync(file, configuration(cell));
  const [command, ...args] = inDebian(top, 'usr/sbin/nginx');
  return { command, args: [...args, '-c', file, '-e', 'stderr', '-p', cell.folder] };
}

const onlyVersion1 = 'it speaks QUIC v1 only';

export const nginx = {
  id: 'nginx',
  title: 'nginx',
  alpn: 'hq-interop',
  async install() {
    top = await debianRoot();
    return { version: versionIn(top, 'nginx') };
  },
  server,
  isServerOnly: true,
  cannot: {
    server: {
      v2: onlyVersion1, v2only: onlyVersion1, preferredaddress: 'its server offers no preferred address', ecn: 'it does not count ECN marks', datagram: 'it has no datagrams',
      zerortt: "Debian's nginx has no 0-RTT for QUIC (built for OpenSSL's older API)",
    },
    client: {},
  },
};
