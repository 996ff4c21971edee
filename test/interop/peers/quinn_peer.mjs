// quinn (Rust, rustls), as Deno's QUIC: deno run -A --unstable-net quinn_peer.mjs. Sessions are resumed by the endpoint.
import { Buffer } from 'node:buffer';
import { address, alpn, connectionsOf, datagrams, fileFor, isRequest, pem, port, requestFor, run, save, say, testcase } from './common.mjs';

const { Deno } = globalThis;
const maxAtOnce = 100;
const ticketWaitMs = 200;

async function readAll(stream, isEnough = () => false) {
  const chunks = [];
  const reader = stream.getReader();
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    chunks.push(Buffer.from(value));
    if (isEnough(Buffer.concat(chunks))) break;
  }
  reader.releaseLock();
  return chunks;
}

async function writeAll(stream, bytes) {
  const writer = stream.getWriter();
  const piece = 256 * 1024;
  for (let at = 0; at < bytes.length; at += piece) await writer.write(bytes.subarray(at, at + piece));
  await writer.close();
}

async function fetchOne(connection, url) {
  const stream = await connection.createBidirectionalStream({ waitUntilAvailable: true });
  const answer = readAll(stream.readable);
  await writeAll(stream.writable, requestFor(url));
  save(url, await answer);
}

async function fetchAll(connection, urls) {
  const queue = [...urls];
  const worker = async () => {
    for (let url = queue.shift(); url !== undefined; url = queue.shift()) await fetchOne(connection, url);
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, urls.length) }, worker));
}

async function exchangeDatagrams(connection) {
  const missing = new Set(datagrams());
  const reading = (async () => {
    while (missing.size > 0) missing.delete(Buffer.from(await connection.readDatagram()).toString('latin1'));
  })();
  while (missing.size > 0) {
    for (const text of missing) await connection.sendDatagram(Buffer.from(text, 'latin1'));
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  say({ datagrams: datagrams().length });
}

async function client() {
  const endpoint = new Deno.QuicEndpoint({ hostname: '127.0.0.1' });
  for (const { urls, isFirst, isSecond } of connectionsOf()) {
    const { hostname, port: to } = new URL(urls[0]);
    const zeroRtt = isSecond && testcase === 'zerortt';
    const connection = await Deno.connectQuic({ endpoint, hostname, port: Number(to), serverName: 'localhost', alpnProtocols: [alpn], caCerts: [pem('ca.pem')], zeroRtt });
    if (testcase === 'datagram') await exchangeDatagrams(connection);
    await fetchAll(connection, urls);
    await connection.handshake;
    if (isFirst) await new Promise((resolve) => setTimeout(resolve, ticketWaitMs)); // nothing tells that a ticket has come
    connection.close({ closeCode: 0, reason: '' });
  }
}

async function serveStream({ readable, writable }) {
  const request = Buffer.concat(await readAll(readable, isRequest));
  await writeAll(writable, fileFor(request));
}

async function serve(incoming) {
  const connection = await incoming.accept({ alpnProtocols: [alpn], zeroRtt: testcase === 'zerortt', maxConcurrentBidirectionalStreams: 100 });
  (async () => {
    for (;;) await connection.sendDatagram(await connection.readDatagram());
  })().catch(() => undefined);
  for await (const stream of connection.incomingBidirectionalStreams) serveStream(stream).catch((error) => console.error(error));
}

async function server() {
  const endpoint = new Deno.QuicEndpoint({ hostname: address, port });
  const listener = endpoint.listen({ cert: pem('cert.pem'), key: pem('priv.key'), alpnProtocols: [alpn] });
  for await (const incoming of listener) serve(incoming).catch((error) => say({ closed: error.message }));
}

await run({ client, server });
