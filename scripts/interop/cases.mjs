// The cases of the matrix: what is asked for, over which link, and what must have been on the wire for the case to count.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyPhaseChanges, version1, version2 } from './packets.mjs';

const kibi = 1024;
const mebi = 1024 * 1024;
const big = [{ name: 'big', size: 10 * mebi }];
const small = [{ name: 'small', size: 32 * kibi }];
const several = [{ name: 'first', size: 4 * kibi }, { name: 'second', size: 4 * kibi }, { name: 'third', size: 64 * kibi }];

const files = (count, size) => Array.from({ length: count }, (_, index) => ({ name: `file-${index}`, size }));

class Unmet extends Error {}

/** What a case demands beyond files that came whole. */
function must(condition, what) {
  if (!condition) throw new Unmet(what);
}

function handshakes({ ourFacts }) {
  return ourFacts.map(({ handshake }) => handshake).filter((one) => one !== undefined && one !== null);
}

function judgeKeyUpdate({ link, keylog, ourFacts }) {
  const isChacha20 = handshakes({ ourFacts }).some(({ cipher }) => cipher?.includes('CHACHA20'));
  const changes = keyPhaseChanges(link.recording, readFileSync(keylog, 'utf8'), { isChacha20 });
  must(changes !== undefined, 'the key log has no secrets');
  must(changes.fromClient > 0, 'the client never changed its key phase');
  must(changes.fromServer > 0, 'the server never changed its key phase');
}

/** The link carries no marks, so the ends talk directly; the peer's counts have convinced us when we say "capable". */
function judgeEcn({ ourFacts }) {
  const stats = ourFacts.filter((fact) => fact.stats !== undefined).map((fact) => fact.stats);
  must(stats.some(({ ecn }) => ecn !== undefined), 'stats().ecn');
  must(stats.some(({ ecn }) => ecn === 'capable'), `ECN ended as ${stats.at(-1)?.ecn}`);
}

function judgeVersions({ link }, beginsWith) {
  must(link.seen.versions.has(version2), 'no packet of version 2 was seen');
  must(link.seen.versions.has(version1) === (beginsWith === version1), `the client did not begin with version ${beginsWith === version1 ? 1 : 2}`);
  must(!(link.seen.fromServer.versionNegotiation > 0), 'it took a Version Negotiation packet');
}

/** Once so much has come, clients are somewhere else. */
function rebinding(source) {
  return async (link) => {
    await link.untilFromServer(mebi);
    await link.rebind(source);
    link.wasRebound = true;
  };
}

function judgeRebinding({ link }) {
  must(link.wasRebound, 'the transfer was over before the address changed');
}

/**
 * `testcases`: what the case is called to the client and to the server, where not by its name. `only`: the peers that can, the
 * others cannot because of `otherwise`. `limitMs`: after that the case has failed. `during(link)`: goes on beside the transfer. `judge`: throws what was missed.
 */
export const cases = [
  { name: 'handshake', title: 'Handshake', files: small },
  { name: 'transfer', title: '10 MiB, hashes equal', files: big },
  { name: 'multiplexing', title: '500 streams on one connection', files: files(500, 512) },
  { name: 'multiconnect', title: '20 connections, one after another', files: files(20, kibi), judge: ({ link }) => must(link.seen.connections.size >= 20, 'there were fewer connections') },
  {
    name: 'chacha20', title: 'ChaCha20 only', files: [{ name: 'mid', size: mebi }],
    judge: (seen) => handshakes(seen).forEach(({ cipher }) => must(cipher?.includes('CHACHA20'), `the cipher was ${cipher}`)),
  },
  {
    name: 'retry', title: 'Retry', files: small,
    judge: ({ link }) => must(link.seen.fromServer.retry > 0, 'the server sent no Retry'),
  },
  {
    name: 'resumption', title: 'Resumption', files: several,
    judge: (seen) => must(handshakes(seen).some(({ isResumed }) => isResumed), 'no connection was resumed'),
  },
  {
    name: 'zerortt', title: '0-RTT', files: several, link: { delayMs: 20 },
    judge: (seen) => {
      must(seen.link.seen.fromClient.zeroRtt > 0, 'the client sent no 0-RTT packet');
      must(handshakes(seen).some(({ earlyData }) => earlyData === 'accepted'), '0-RTT was not accepted');
    },
  },
  { name: 'keyupdate', title: 'Key update', files: [{ name: 'mid', size: 3 * mebi }], record: true, judge: judgeKeyUpdate },
  {
    name: 'versionnegotiation', title: 'Version negotiation', files: small,
    judge: ({ link }) => must(link.seen.fromServer.versionNegotiation > 0, 'the server sent no Version Negotiation'),
  },
  { name: 'v2only', title: 'QUIC v2', files: small, judge: (seen) => judgeVersions(seen, version2) },
  { name: 'v2', title: 'From QUIC v1 to v2 in one handshake', files: small, judge: (seen) => judgeVersions(seen, version1) },
  { name: 'rebind-port', title: 'NAT rebinding: port', files: big, during: rebinding(), judge: judgeRebinding },
  { name: 'rebind-addr', title: 'NAT rebinding: address', files: big, during: rebinding('127.0.0.7'), judge: judgeRebinding },
  {
    name: 'connectionmigration', title: 'Client migrates', files: big, testcases: { server: 'transfer' },
    judge: ({ link }) => must(link.clients >= 2, 'the client never sent from another port'),
  },
  {
    // There the link is no longer in between.
    name: 'preferredaddress', title: "Client goes to the server's preferred address", files: big, testcases: { client: 'transfer', server: 'connectionmigration' },
    link: { delayMs: 5 },
    judge: ({ link }) => must(link.seen.bytesFromServer < 5 * mebi, 'the transfer stayed at the first address'),
  },
  {
    name: 'transferloss', title: '2 MiB, 3 % loss and reordering', files: [{ name: 'mid', size: 2 * mebi }], link: { loss: 0.03, reorder: 0.03, duplicate: 0.01, delayMs: 5 }, limitMs: 60_000,
    judge: ({ link }) => must(link.lost > 0, 'nothing was lost'),
  },
  {
    name: 'handshakeloss', title: '5 handshakes, 30 % loss', files: files(5, kibi), link: { loss: 0.3, delayMs: 5 }, limitMs: 120_000,
    judge: ({ link }) => must(link.lost > 0, 'nothing was lost'),
  },
  { name: 'transfercorruption', title: '2 MiB, 2 % corrupted', files: [{ name: 'mid', size: 2 * mebi }], link: { corrupt: 0.02, delayMs: 5 }, limitMs: 60_000 },
  {
    name: 'blackhole', title: 'Link dark for 2 s', files: big, limitMs: 60_000,
    during: async (link) => {
      await link.untilFromServer(mebi);
      link.isBlackhole = true;
      await sleep(2_000);
      link.isBlackhole = false;
      link.wasDark = true;
    },
    judge: ({ link }) => must(link.wasDark, 'the transfer was over before'),
  },
  {
    name: 'amplificationlimit', title: 'Amplification limit, 6 KB certificate', files: small, certificate: 'server-large', link: { delayMs: 15, dropFromClient: [2, 3, 4] }, limitMs: 60_000,
    judge: ({ link, ourRole }) => {
      must(link.lost > 0, 'nothing was lost');
      // A peer's server may be a little generous: quic-go's is.
      must(ourRole === 'client' || link.seen.amplification <= 3, `the server sent ${link.seen.amplification.toFixed(1)} times what it had got`);
    },
  },
  { name: 'longrtt', title: 'RTT of 1.5 s', files: small, link: { delayMs: 750 }, limitMs: 60_000 },
  {
    name: 'datagram', title: 'Datagrams', files: small,
    judge: ({ facts }) => must(facts.some(({ datagrams }) => datagrams >= 20), 'datagrams were not echoed'),
  },
  {
    // So slow that packets come one by one, as batches are acknowledged as one.
    name: 'ackfrequency', title: 'ACK frequency (draft)', files: [{ name: 'mid', size: 3 * mebi }], link: { rate: mebi, queueMs: 100, delayMs: 10 },
    only: ['quinn'], otherwise: 'it does not negotiate this draft',
    judge: ({ link }) => {
      const { fromClient, fromServer } = link.seen;
      const share = fromClient.oneRtt / fromServer.oneRtt;
      // Without it one packet in two or three is acknowledged (RFC 9000 §13.2.2); seen: 0.34 to 0.38, and 0.14 with it.
      must(share < 0.25, `the client sent ${share.toFixed(2)} packets for each that it got`);
    },
  },
  { name: 'ecn', title: 'ECN', files: [{ name: 'mid', size: mebi }], isDirect: true, judge: judgeEcn },
];

/** Beside these, for this package against itself. */
export const ownCases = [
  { name: 'http3', title: 'HTTP/3', files: several, alpn: 'h3' },
  { name: 'ipv6', title: 'IPv6', files: [{ name: 'mid', size: mebi }], host: '::1' },
  { name: 'handshakecorruption', title: '5 handshakes, 30 % corrupted', files: files(5, kibi), link: { corrupt: 0.3, delayMs: 5 }, limitMs: 120_000 },
  {
    name: 'selfmigrate', title: 'Client migrates every 500 ms', files: big, link: { rate: 3 * mebi, queueMs: 50, delayMs: 5 }, limitMs: 60_000,
    judge: ({ link }) => must(link.clients >= 4, `the client sent from ${link.clients} ports only`),
  },
];

export { Unmet };
