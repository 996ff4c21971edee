// The parts of the interoperability tests that judge others: the link, what it sees, HTTP/3's few pieces, paths of requests.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { cases, ownCases } from '../../scripts/interop/cases.mjs';
import { fileBelow } from '../../scripts/interop/files.mjs';
import { decodeVarint, encodeVarint } from '../../scripts/interop/h3.mjs';
import { Link, randomFrom } from '../../scripts/interop/link.mjs';
import { countKeyPhaseChanges, packetsIn } from '../../scripts/interop/packets.mjs';
import { decodeFields, decodeHuffman, encodeGet, encodeStatus } from '../../scripts/interop/qpack.mjs';
import { matrixOf, putInto } from '../../scripts/interop/table.mjs';
import { testcases } from '../../scripts/interop/testcases.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'interop-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a request names files below the folder and nothing else', () => {
  const www = path.join(folder, 'www');
  mkdirSync(path.join(www, 'sub'), { recursive: true });
  writeFileSync(path.join(www, 'sub/file'), 'abc');
  writeFileSync(path.join(folder, 'secret'), 'x');
  symlinkSync(path.join(folder, 'secret'), path.join(www, 'link'));
  assert.equal(fileBelow(www, '/sub/file').size, 3);
  assert.equal(fileBelow(www, '/sub%2Ffile?query').size, 3);
  for (const bad of ['/../secret', '/%2e%2e/secret', '/sub/../../secret', '/link', '/sub', '/', '', 'sub/file', '/%zz', '/no\0', '/none']) {
    assert.equal(fileBelow(www, bad), undefined, bad);
  }
});

test('variable-length integers come back as they went', () => {
  for (const value of [0, 63, 64, 16_383, 16_384, 2 ** 30 - 1, 2 ** 30, 2 ** 40]) {
    const bytes = encodeVarint(value);
    assert.deepEqual(decodeVarint(bytes), { value, length: bytes.length });
    assert.equal(decodeVarint(bytes.subarray(0, bytes.length - 1)), undefined);
  }
});

test('field sections: what is written is read, and what others write', () => {
  assert.deepEqual(decodeFields(encodeGet('localhost:1', '/a/b')), { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost:1', ':path': '/a/b' });
  assert.deepEqual(decodeFields(encodeStatus(true)), { ':status': '200' });
  // RFC 7541 C.4.1: the Huffman form of www.example.com, here as :authority; then a name that is not in the table.
  const huffman = Buffer.from('f1e3c2e5f23a6ba0ab90f4ff', 'hex');
  assert.equal(decodeHuffman(huffman), 'www.example.com');
  assert.deepEqual(decodeFields(Buffer.concat([Buffer.from([0, 0, 0x50, 0x8c]), huffman, Buffer.from([0x23, 97, 98, 99, 1, 120])])), { ':authority': 'www.example.com' });
  assert.throws(() => decodeFields(Buffer.from([0, 0, 0x80])), /dynamic table/);
  assert.throws(() => decodeFields(Buffer.from([0, 0, 0x51, 9, 97])), /ends early/);
});

const id = (length) => Buffer.concat([Buffer.from([length]), Buffer.alloc(length, 7)]);
const initial = (payload, token = Buffer.alloc(0)) =>
  Buffer.concat([Buffer.from([0xc0, 0, 0, 0, 1]), id(8), id(4), encodeVarint(token.length), token, encodeVarint(payload), Buffer.alloc(payload)]);

test('coalesced packets are told apart, whatever the bytes', () => {
  const handshake = Buffer.concat([Buffer.from([0xe0, 0, 0, 0, 1]), id(8), id(4), encodeVarint(5), Buffer.alloc(5)]);
  const types = packetsIn(Buffer.concat([initial(30, Buffer.alloc(9)), handshake, Buffer.from([0x40, 1, 2, 3])])).map(({ type }) => type);
  assert.deepEqual(types, ['initial', 'handshake', 'oneRtt']);
  assert.equal(packetsIn(initial(30, Buffer.alloc(9)))[0].tokenLength, 9);
  assert.equal(packetsIn(Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0]), id(8), id(8), Buffer.alloc(8)]))[0].type, 'versionNegotiation');
  assert.equal(packetsIn(Buffer.concat([Buffer.from([0xc0, 0x6b, 0x33, 0x43, 0xcf]), id(8), id(8), Buffer.alloc(30)]))[0].type, 'retry');
  const random = randomFrom(5);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)));
    assert.ok(packetsIn(bytes).length <= bytes.length);
  }
});

test('key phases are read through header protection', () => {
  // RFC 9001 Appendix A.5: a ChaCha20 short header packet with an empty connection ID and key phase 0.
  const secret = Buffer.from('9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b', 'hex');
  const packet = Buffer.from('4cfe4189655e5cd55c41f69080575d7999c25a5bfb', 'hex');
  const flipped = Buffer.from(packet);
  flipped[0] ^= 4;
  const options = { secret, idLength: 0, isChacha20: true };
  assert.equal(countKeyPhaseChanges([packet, packet], options), 0);
  assert.equal(countKeyPhaseChanges([packet, flipped, flipped, packet], options), 2);
});

async function socket() {
  const made = dgram.createSocket('udp4');
  made.bind(0, '127.0.0.1');
  await once(made, 'listening');
  return made;
}

test('a link forwards both ways, and its NAT can forget', async () => {
  const server = await socket();
  const client = await socket();
  const link = await Link.open({ target: { host: '127.0.0.1', port: server.address().port } });
  const ask = async () => {
    client.send('ping', link.port, '127.0.0.1');
    const [, from] = await once(server, 'message');
    server.send('pong', from.port, from.address);
    assert.equal(String((await once(client, 'message'))[0]), 'pong');
    return from;
  };
  const first = await ask();
  await link.rebind('127.0.0.7');
  const second = await ask();
  assert.equal(first.address, '127.0.0.1');
  assert.equal(second.address, '127.0.0.7');
  assert.equal(link.clients, 1);
  link.close();
  server.close();
  client.close();
});

test('a link loses what it shall, and sees how much a server sends to an address that has proved nothing', async () => {
  const server = await socket();
  const client = await socket();
  const link = await Link.open({ target: { host: '127.0.0.1', port: server.address().port }, condition: { dropFromClient: [2] } });
  const send = (...bytes) => new Promise((resolve) => client.send(Buffer.concat([Buffer.from(bytes), Buffer.alloc(100 - bytes.length)]), link.port, '127.0.0.1', resolve));
  const arrives = once(server, 'message');
  await send(1);
  const [, from] = await arrives;
  const answer = async () => {
    server.send(Buffer.alloc(250), from.port, from.address);
    await once(client, 'message');
  };
  await answer();
  const next = once(server, 'message');
  await send(2);
  await send(0xe0, 0, 0, 0, 1); // a Handshake packet
  assert.equal((await next)[0][0], 0xe0);
  await answer();
  assert.equal(link.seen.amplification, 2.5);
  assert.equal(link.lost, 1);
  link.close();
  server.close();
  client.close();
});

test('each case of the endpoint is played, by the matrix or by this package against itself', () => {
  const played = new Set([...cases, ...ownCases].map(({ name }) => name));
  assert.deepEqual(Object.keys(testcases).filter((name) => !played.has(name)), []);
});

test('the same seed loses the same datagrams, others others', async () => {
  const lostWith = async (seed) => {
    const server = await socket();
    const client = await socket();
    const link = await Link.open({ target: { host: '127.0.0.1', port: server.address().port }, condition: { loss: 0.3 }, seed });
    const got = [];
    server.on('message', (bytes) => got.push(bytes.readUInt16BE()));
    for (let index = 0; got.at(-1) !== 0xffff; index++) {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(index < 50 ? index : 0xffff);
      await new Promise((resolve) => client.send(bytes, link.port, '127.0.0.1', resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    link.close();
    server.close();
    client.close();
    return got.filter((index) => index < 50);
  };
  const first = await lostWith(7);
  assert.deepEqual(await lostWith(7), first);
  assert.notDeepEqual(await lostWith(8), first);
  assert.ok(first.length > 15 && first.length < 50);
});

test('the matrix has a mark for each end and numbers its reasons once', () => {
  const cases = [{ name: 'a', title: 'A' }, { name: 'b', title: 'B' }];
  const peers = [{ id: 'p', title: 'peer', version: '1' }];
  const result = (name, direction, status, reason) => ({ peer: 'p', test: name, direction, status, reason });
  const matrix = matrixOf([result('a', 'client', 'pass'), result('a', 'server', 'cannot', 'why'), result('b', 'client', 'fail', 'other'), result('b', 'server', 'cannot', 'why')], { peers, cases });
  assert.match(matrix, /^\| A \| ✔ –<sup>1<\/sup> \|$/m);
  assert.match(matrix, /^\| B \| ✘<sup>2<\/sup> –<sup>1<\/sup> \|$/m);
  assert.match(matrix, /^1\. why$/m);
  const begin = '<!-- interop: begin (npm run test:interop -- --write) -->';
  assert.match(putInto(`x\n${begin}\nold\n<!-- interop: end -->\ny`, matrix, 'today'), /^x\n[^]*\| A [^]*interop: end -->\ny$/);
});
