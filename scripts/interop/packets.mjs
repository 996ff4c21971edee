// What somebody on the path can see of QUIC packets (RFC 9000 §17, RFC 9369 §3.2): types, versions, connection IDs; and with the
// key log of one end, the key phase of 1-RTT packets. So a case is judged by what was on the wire, not by what ends say.
import { createCipheriv, createHmac } from 'node:crypto';
import { decodeVarint } from './h3.mjs';

export const version1 = 0x00000001;
export const version2 = 0x6b3343cf;

const longTypes = new Map([
  [version1, ['initial', 'zeroRtt', 'handshake', 'retry']],
  [version2, ['retry', 'initial', 'zeroRtt', 'handshake']],
]);

function connectionIds(bytes) {
  const dcidEnd = 6 + bytes[5];
  const scidEnd = dcidEnd + 1 + bytes[dcidEnd];
  if (!(scidEnd <= bytes.length)) return undefined;
  return { dcid: bytes.subarray(6, dcidEnd), scid: bytes.subarray(dcidEnd + 1, scidEnd), end: scidEnd };
}

/** The first packet in `bytes`, and how long it is. */
function readPacket(bytes) {
  if ((bytes[0] & 0x80) === 0) return { type: 'oneRtt', size: bytes.length, bytes };
  const ids = bytes.length > 6 ? connectionIds(bytes) : undefined;
  if (ids === undefined) return { type: 'other', size: bytes.length };
  const version = bytes.readUInt32BE(1);
  const common = { version, dcid: ids.dcid, scid: ids.scid };
  if (version === 0) return { type: 'versionNegotiation', size: bytes.length, ...common };
  const type = longTypes.get(version)?.[(bytes[0] >> 4) & 3];
  if (type === undefined) return { type: 'unknownVersion', size: bytes.length, ...common };
  if (type === 'retry') return { type, size: bytes.length, ...common };
  let at = ids.end;
  if (type === 'initial') {
    const token = decodeVarint(bytes, at);
    if (token === undefined) return { type: 'other', size: bytes.length };
    common.tokenLength = token.value;
    at += token.length + token.value;
  }
  const length = decodeVarint(bytes, at);
  if (length === undefined) return { type: 'other', size: bytes.length };
  return { type, size: Math.min(bytes.length, at + length.length + length.value), ...common };
}

/** The packets that are coalesced in a datagram. */
export function packetsIn(datagram) {
  const packets = [];
  let rest = datagram;
  while (rest.length > 0) {
    const packet = readPacket(rest);
    packets.push(packet);
    rest = rest.subarray(packet.size);
    if (packet.type === 'oneRtt' || packet.type === 'other') break;
  }
  return packets;
}

// ---- key phases ------------------------------------------------------------------------------------------------------------

/** RFC 8446 §7.1 with an output no longer than one hash. */
function expandLabel(hash, secret, label, length) {
  const full = `tls13 ${label}`;
  const info = Buffer.concat([Buffer.from([length >> 8, length & 255, full.length]), Buffer.from(full), Buffer.from([0, 1])]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}

/** RFC 9001 §5.4.3, §5.4.4. */
function headerMask({ cipher, key }, sample) {
  if (cipher === 'chacha20') return createCipheriv('chacha20', key, sample).update(Buffer.alloc(5));
  return createCipheriv(cipher, key, null).update(sample);
}

function headerKey(secret, version, isChacha20) {
  const label = version === version2 ? 'quicv2 hp' : 'quic hp'; // RFC 9369 §3.3.2
  if (secret.length === 48) return { cipher: 'aes-256-ecb', key: expandLabel('sha384', secret, label, 32) };
  if (isChacha20) return { cipher: 'chacha20', key: expandLabel('sha256', secret, label, 32) };
  return { cipher: 'aes-128-ecb', key: expandLabel('sha256', secret, label, 16) };
}

/** The first 1-RTT secrets of both directions in a key log. */
function secretsIn(keylog) {
  const secretOf = (label) => {
    const hex = new RegExp(`^${label} [0-9a-f]+ ([0-9a-f]+)$`, 'mi').exec(keylog)?.[1];
    return hex === undefined ? undefined : Buffer.from(hex, 'hex');
  };
  return { fromClient: secretOf('CLIENT_TRAFFIC_SECRET_0'), fromServer: secretOf('SERVER_TRAFFIC_SECRET_0') };
}

/**
 * How often the key phase changes in a list of 1-RTT packets of one direction, in order. `idLength`: of the destination
 * connection ID, which short headers do not tell.
 */
export function countKeyPhaseChanges(packets, { secret, idLength, version = version1, isChacha20 = false }) {
  const key = headerKey(secret, version, isChacha20);
  let changes = 0;
  let last = 0;
  for (const bytes of packets) {
    const sample = bytes.subarray(1 + idLength + 4, 1 + idLength + 20);
    if (sample.length < 16) continue;
    const phase = ((bytes[0] ^ (headerMask(key, sample)[0] & 0x1f)) >> 2) & 1;
    if (phase !== last) changes++;
    last = phase;
  }
  return changes;
}

/** The same for a whole recording: `{ fromClient, fromServer }`, or undefined when the log has no secrets. */
export function keyPhaseChanges({ fromClient, fromServer, idLengths }, keylog, options = {}) {
  const secrets = secretsIn(keylog);
  if (secrets.fromClient === undefined || secrets.fromServer === undefined) return undefined;
  return {
    fromClient: countKeyPhaseChanges(fromClient, { ...options, secret: secrets.fromClient, idLength: idLengths.server }),
    fromServer: countKeyPhaseChanges(fromServer, { ...options, secret: secrets.fromServer, idLength: idLengths.client }),
  };
}
