// Makes keys and certificates for tests, outside git: build/test-certs/ (or --out DIR). Kept for 20 days, then made anew.
// Every certificate is NAME.pem with its key NAME.key (PKCS#8); servers' .pem files hold the leaf only.
//
//   ca               the authority that tests trust                       P-256
//   server           localhost, 127.0.0.1 to 127.0.0.8, ::1               P-256
//   server-ed25519   the same                                             Ed25519
//   server-large     the same and 200 other names: 6 KB                   P-256
//   expired          the same, over since 2020
//   wrong-host       for elsewhere.test only
//   client           for client authentication
//   other-ca         an authority that nobody trusts
//   other-server     localhost and the addresses, from other-ca
//   other-client     for client authentication, from other-ca
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StepFailed, hasCommand, isMain, main, mustRun, root } from './lib/run.mjs';

/** Raise it when the list above changes. */
const version = 2;
const maxAgeMs = 20 * 24 * 3600 * 1000;

const addresses = [...Array.from({ length: 8 }, (_, index) => `IP:127.0.0.${index + 1}`), 'IP:::1'];
const here = ['DNS:localhost', ...addresses].join(',');
const manyNames = Array.from({ length: 200 }, (_, index) => `DNS:name-${index}.elsewhere.test`).join(',');
const server = (names) => `basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}`;
const client = 'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth';

const leaves = [
  { name: 'server', ca: 'ca', extensions: server(here) },
  { name: 'server-ed25519', ca: 'ca', extensions: server(here), algorithm: 'ED25519' },
  { name: 'server-large', ca: 'ca', extensions: server(`${here},${manyNames}`) },
  { name: 'expired', ca: 'ca', extensions: server(here), from: '20200101000000Z', to: '20200201000000Z' },
  { name: 'wrong-host', ca: 'ca', extensions: server('DNS:elsewhere.test') },
  { name: 'client', ca: 'ca', extensions: client },
  { name: 'other-server', ca: 'other-ca', extensions: server(here) },
  { name: 'other-client', ca: 'other-ca', extensions: client },
];

function isFresh(folder) {
  try {
    const made = JSON.parse(readFileSync(path.join(folder, 'made.json'), 'utf8'));
    return made.version === version && Date.now() - made.at < maxAgeMs;
  } catch {
    return false;
  }
}

/** The little database that `openssl ca` wants; it is the only command of every version that can date a certificate back. */
function writeAuthority(folder, ca) {
  writeFileSync(path.join(folder, 'index.txt'), '');
  const lines = ['[ca]', 'default_ca=it', '[it]', `certificate=${ca}.pem`, `private_key=${ca}.key`, 'database=index.txt', 'new_certs_dir=.',
    'rand_serial=yes', 'unique_subject=no', 'default_md=sha256', 'policy=any', '[any]', 'commonName=supplied'];
  writeFileSync(path.join(folder, 'ca.cnf'), `${lines.join('\n')}\n`);
}

function stamp(date) {
  return `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}

async function makeAll(folder) {
  // The machine's openssl.cnf has no say.
  const env = { ...process.env, OPENSSL_CONF: '/dev/null' };
  const openssl = (...args) => mustRun('openssl', args, { cwd: folder, env });
  const key = (name, algorithm) =>
    openssl('genpkey', '-out', `${name}.key`, ...(algorithm === 'ED25519' ? ['-algorithm', 'ED25519'] : ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']));
  writeFileSync(path.join(folder, 'req.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');

  for (const name of ['ca', 'other-ca']) {
    await key(name);
    await openssl('req', '-new', '-x509', '-config', 'req.cnf', '-key', `${name}.key`, '-out', `${name}.pem`, '-days', '3650', '-subj', `/CN=${name}.test`,
      '-addext', 'basicConstraints=critical,CA:true', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
  }
  const yesterday = stamp(new Date(Date.now() - 24 * 3600 * 1000));
  const inSixtyDays = stamp(new Date(Date.now() + 60 * 24 * 3600 * 1000));
  for (const { name, ca, extensions, algorithm, from = yesterday, to = inSixtyDays } of leaves) {
    await key(name, algorithm);
    await openssl('req', '-new', '-config', 'req.cnf', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}.test`);
    writeAuthority(folder, ca);
    writeFileSync(path.join(folder, 'extensions.cnf'), `${extensions}\n`);
    await openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-startdate', from, '-enddate', to,
      '-extfile', 'extensions.cnf');
  }
  writeFileSync(path.join(folder, 'made.json'), JSON.stringify({ version, at: Date.now() }));
}

/** Makes what is missing or too old and returns the folder. Two runs at once do not disturb each other. */
export async function ensureTestCerts(out = path.join(root, 'build/test-certs')) {
  if (isFresh(out)) return out;
  if (!hasCommand('openssl')) throw new StepFailed('test certificates need the openssl program: apt-get install -y openssl');
  mkdirSync(path.dirname(out), { recursive: true });
  const folder = mkdtempSync(`${out}.`);
  try {
    await makeAll(folder);
    const keep = /^(?:[a-z0-9-]+\.(?:pem|key)|made\.json)$/;
    for (const name of readdirSync(folder)) if (!keep.test(name) || /^[0-9A-F]{16,}\.pem$/.test(name)) rmSync(path.join(folder, name));
    if (existsSync(out)) renameSync(out, `${folder}.old`);
    renameSync(folder, out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}.old`, { recursive: true, force: true });
  }
  return out;
}

if (isMain(import.meta)) {
  await main(async () => {
    const { values } = parseArgs({ options: { out: { type: 'string' }, quiet: { type: 'boolean' } } });
    const folder = await ensureTestCerts(values.out && path.resolve(values.out));
    if (!values.quiet) console.log(`test certificates: ${folder}`);
  });
}
