// npm run test:interop: this package against foreign QUIC stacks, in both directions, through a small link in user space. Prints
// the matrix; exits with 0 when nothing failed on our side.
//
//   node scripts/interop.mjs
//   node scripts/interop.mjs --peer=aioquic,ngtcp2 --case=retry --direction=client|server
//   node scripts/interop.mjs --write        puts the matrix into the README
//   node scripts/interop.mjs --self         this package against itself, as a check of the tests
//   node scripts/interop.mjs --jobs=4       so many cells at a time; default: two for each processor, since most wait for timers
//   node scripts/interop.mjs --keep         keeps the folders of failed cases, below build/interop
//   node scripts/interop.mjs --again        plays failed cells once more, each alone: others may have taken the processor from it
//   node scripts/interop.mjs --doubt        also plays what peers are said to be unable to do
//
// Peers are fetched and built by this script, into the user's cache; it builds the addon and dist/ when they are out of date.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureTestCerts } from './gen-test-certs.mjs';
import { cases, ownCases } from './interop/cases.mjs';
import { runCell } from './interop/cell.mjs';
import { aioquic } from './interop/peers/aioquic.mjs';
import { chromium } from './interop/peers/chromium.mjs';
import { haproxy } from './interop/peers/haproxy.mjs';
import { lsquic } from './interop/peers/lsquic.mjs';
import { nginx } from './interop/peers/nginx.mjs';
import { ngtcp2 } from './interop/peers/ngtcp2.mjs';
import { openssl } from './interop/peers/openssl.mjs';
import { quiche } from './interop/peers/quiche.mjs';
import { quicgo } from './interop/peers/quicgo.mjs';
import { quinn } from './interop/peers/quinn.mjs';
import { self } from './interop/peers/ours.mjs';
import { directionsOf, matrixOf, plainMark, putInto } from './interop/table.mjs';
import { StepFailed, main, root, runShown, seconds, step } from './lib/run.mjs';

const everyPeer = [ngtcp2, quiche, quinn, quicgo, aioquic, lsquic, openssl, nginx, haproxy, chromium];

function readArguments() {
  const { values } = parseArgs({
    options: {
      peer: { type: 'string' }, case: { type: 'string' }, direction: { type: 'string' }, seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(2 * os.availableParallelism()) }, write: { type: 'boolean' }, self: { type: 'boolean' }, keep: { type: 'boolean' }, doubt: { type: 'boolean' }, again: { type: 'boolean' }, 'no-setup': { type: 'boolean' },
    },
  });
  const choose = (all, names, nameOf) => {
    const wanted = names?.split(',');
    const unknown = wanted?.find((name) => !all.some((one) => nameOf(one) === name));
    if (unknown !== undefined) throw new StepFailed(`${unknown}: one of ${all.map(nameOf).join(', ')}`);
    return all.filter((one) => wanted === undefined || wanted.includes(nameOf(one)));
  };
  return {
    ...values,
    peers: values.self ? [self] : choose(everyPeer, values.peer, ({ id }) => id),
    cases: choose(values.self ? [...cases, ...ownCases] : cases, values.case, ({ name }) => name),
    directions: values.self ? ['client'] : choose(['client', 'server'], values.direction, (name) => name),
    seed: Number(values.seed),
    jobs: Number(values.jobs),
  };
}

async function installPeers(wanted) {
  const peers = [];
  for (const peer of wanted) {
    await step(peer.title, async () => {
      const { version } = await peer.install();
      peers.push({ ...peer, version });
      return version;
    });
  }
  return peers;
}

/** A server's certificate under the names that the endpoint's contract wants. */
function placeCertificate(made, work, name) {
  const folder = path.join(work, 'certs', name);
  mkdirSync(folder, { recursive: true });
  for (const [from, to] of [[`${name}.pem`, 'cert.pem'], [`${name}.key`, 'priv.key'], ['ca.pem', 'ca.pem']]) copyFileSync(path.join(made, from), path.join(folder, to));
  return folder;
}

async function runOne({ test, peer, direction, keep, doubt, certs, work, seed }) {
  const folder = path.join(work, `${peer.id}-${direction}-${test.name}`);
  rmSync(folder, { recursive: true, force: true });
  const result = await runCell({ test, peer, direction, folder, certs, seed, doubt });
  if (keep && result.status === 'fail') writeFileSync(path.join(folder, 'log.txt'), result.log);
  else rmSync(folder, { recursive: true, force: true });
  return { ...result, peer: peer.id, test: test.name, direction };
}

function report({ status, reason, seconds: time }, { test, peer, direction }) {
  if (status === 'cannot') return;
  const pair = direction === 'client' ? `our client, ${peer.title}'s server` : `${peer.title}'s client, our server`;
  console.log(`  ${plainMark(status)} ${pair}: ${test.title} (${time.toFixed(1)} s)${reason ? `: ${reason}` : ''}`);
}

async function runCells(cells, jobs, run) {
  const waiting = [...cells];
  const results = [];
  const worker = async () => {
    for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) results.push(await run(cell));
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

/** So many cells at a time: most of them wait for timers, their own or the link's. */
async function runAll(options, peers) {
  const work = path.join(root, 'build/interop');
  const made = await ensureTestCerts();
  const certificates = new Map(options.cases.map(({ certificate = 'server' }) => [certificate, placeCertificate(made, work, certificate)]));
  const wanted = (peer) => directionsOf(peer).filter((direction) => options.directions.includes(direction));
  const cells = peers.flatMap((peer) => wanted(peer).flatMap((direction) => options.cases.map((test) => ({ peer, direction, test }))));
  const run = async (cell) => {
    const { keep, doubt, seed } = options;
    const result = await runOne({ ...cell, keep, doubt, seed, certs: certificates.get(cell.test.certificate ?? 'server'), work });
    report(result, cell);
    return { ...result, cell };
  };
  const results = await runCells(cells, options.jobs, run);
  const failed = results.filter(({ status }) => status === 'fail');
  if (!options.again || failed.length === 0) return results;
  console.log(`\nAgain, alone:`);
  return [...results.filter((one) => !failed.includes(one)), ...(await runCells(failed.map(({ cell }) => cell), 1, run))];
}

await main(async () => {
  const options = readArguments();
  const began = Date.now();
  if (!options['no-setup'] && !(await runShown(process.execPath, ['scripts/setup.mjs', '--for=demo']))) throw new StepFailed('setup or build failed, see above');
  const peers = await installPeers(options.peers);
  const results = await runAll(options, peers);
  const matrix = matrixOf(results, { peers, cases: options.cases });
  console.log(`\n${matrix.replace(/<sup>(\d+)<\/sup>/g, '[$1]')}\n`);
  if (options.write) {
    const readme = path.join(root, 'README.md');
    writeFileSync(readme, putInto(readFileSync(readme, 'utf8'), matrix, new Date().toISOString().slice(0, 10)));
  }
  const count = (status) => results.filter((one) => one.status === status).length;
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('missing')} missing here, ${count('cannot')} that the peer cannot (${seconds(began)})`);
  if (count('fail') + count('missing') > 0) process.exitCode = 1;
});
