// The endpoint of the public interoperability tests (quic-interop-runner): one program for both roles, driven by its
// environment, so that anybody can judge this package against any other.
//
//   ROLE            client or server
//   TESTCASE        one of the cases in testcases.mjs
//   REQUESTS        client: URLs, separated by spaces
//   DOWNLOADS       client: the folder that answers go to
//   WWW             server: the folder that is served
//   PORT            server: where to listen, default 443; address in ADDRESS, default all
//   CERTS           folder with cert.pem and priv.key (server), ca.pem (client: absent means that nothing is verified)
//   LOGS            folder for logs; SSLKEYLOGFILE and QLOGDIR as usual
//   ALPN            hq-interop or h3; default: what the case wants, which is hq-interop for all but http3
//
// Exit: 0 the case went well, 1 it did not, 127 it is not supported. Facts go to stdout, a JSON object a line.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { NotSupported } from './library.mjs';
import { runClient } from './client.mjs';
import * as h3 from './h3.mjs';
import * as hq from './hq.mjs';
import { runServer } from './server.mjs';
import { testcases } from './testcases.mjs';

const protocols = new Map([hq, h3].map((protocol) => [protocol.name, protocol]));

function say(fact) {
  process.stdout.write(`${JSON.stringify(fact, (_name, value) => (typeof value === 'bigint' ? Number(value) : value))}\n`);
}

function readSetup(env) {
  const { ROLE: role, TESTCASE: testcase = 'handshake', CERTS: certs = '/certs' } = env;
  if (!['client', 'server'].includes(role)) throw new Error('ROLE is client or server');
  const plan = testcases[testcase];
  if (plan === undefined) throw new NotSupported(`the case ${testcase}`);
  const alpn = env.ALPN ?? plan.alpn ?? 'hq-interop';
  const protocol = protocols.get(alpn);
  if (protocol === undefined) throw new NotSupported(`ALPN ${alpn}`);
  const pem = (name) => (existsSync(path.join(certs, name)) ? readFileSync(path.join(certs, name)) : undefined);
  return {
    role,
    protocol,
    plan,
    say,
    requests: (env.REQUESTS ?? '').split(/\s+/).filter((url) => url !== ''),
    downloads: env.DOWNLOADS ?? '/downloads',
    www: env.WWW ?? '/www',
    address: { host: env.ADDRESS ?? '::', port: Number(env.PORT ?? 443) },
    pem,
    keylog: keylogTo(env.SSLKEYLOGFILE),
    qlogFolder: env.QLOGDIR || undefined,
  };
}

function keylogTo(file) {
  if (!file) return undefined;
  mkdirSync(path.dirname(file), { recursive: true });
  return (line) => appendFileSync(file, `${line}\n`);
}

export async function main() {
  try {
    const setup = readSetup(process.env);
    await (setup.role === 'client' ? runClient(setup) : runServer(setup));
  } catch (error) {
    if (error instanceof NotSupported) {
      say({ notSupported: error.message });
      process.exitCode = 127;
    } else {
      console.error(error);
      process.exitCode = 1;
    }
  }
  // Connections may be draining yet; what was asked for is done.
  if (process.env.ROLE !== 'server' || process.exitCode) process.exit();
}
