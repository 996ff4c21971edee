// lsquic (LiteSpeed, BoringSSL), as Bun's node:quic: bun lsquic_peer.mjs.
import { createPrivateKey } from 'node:crypto';
import { connect, listen } from 'node:quic';
import { address, alpn, connectionsOf, datagrams, fileFor, isRequest, pem, port, requestFor, run, save, say, testcase } from './common.mjs';

const window = 16 * 1024 * 1024;
const maxAtOnce = 50;

const common = {
  alpn,
  ciphers: testcase === 'chacha20' ? 'TLS_CHACHA20_POLY1305_SHA256' : undefined,
  transportParams: {
    initialMaxStreamDataBidiLocal: window, initialMaxStreamDataBidiRemote: window, initialMaxData: window, initialMaxStreamsBidi: 100,
    maxIdleTimeout: 30, maxDatagramFrameSize: 1_200,
  },
  enableEarlyData: true, // without it Bun's client does not offer a session that it was given: its ClientHello has no pre_shared_key
};
const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

async function readAll(stream, isEnough = () => false) {
  const chunks = [];
  for await (const batch of stream) {
    for (const chunk of batch) chunks.push(Buffer.from(chunk));
    if (isEnough(Buffer.concat(chunks))) break;
  }
  return chunks;
}

async function fetchAll(session, urls) {
  const queue = [...urls];
  const worker = async () => {
    for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
      const stream = await session.createBidirectionalStream({ body: requestFor(url) });
      save(url, await readAll(stream));
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, urls.length) }, worker));
}

async function exchangeDatagrams(session, missing) {
  while (missing.size > 0) {
    for (const text of missing) await session.sendDatagram(Buffer.from(text, 'latin1'));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  say({ datagrams: datagrams().length });
}

async function client() {
  let sessionTicket;
  for (const { urls, isFirst, isSecond } of connectionsOf()) {
    const missing = new Set(datagrams());
    let onTicket;
    const ticket = new Promise((resolve) => (onTicket = resolve));
    const session = await connect(new URL(urls[0]).host, given({
      ...common,
      servername: 'localhost',
      ca: [Buffer.from(pem('ca.pem'))],
      sessionTicket: isSecond ? sessionTicket : undefined,
      reuseEndpoint: false,
      preferredAddressPolicy: 'use',
      onsessionticket: (one) => onTicket(one),
      ondatagram: (payload) => missing.delete(Buffer.from(payload).toString('latin1')),
      onerror: (error) => say({ error: error?.message }),
    }));
    const opened = testcase === 'zerortt' && isSecond ? undefined : await session.opened;
    if (testcase === 'datagram') await exchangeDatagrams(session, missing);
    if (testcase === 'keyupdate') session.updateKey();
    await fetchAll(session, urls);
    const { earlyDataAccepted, cipher } = opened ?? (await session.opened);
    say({ early: earlyDataAccepted, cipher });
    if (isSecond && testcase === 'zerortt' && !earlyDataAccepted) throw new Error('0-RTT was not accepted');
    if (isFirst) {
      sessionTicket = await Promise.race([ticket, new Promise((_resolve, reject) => setTimeout(() => reject(new Error('the server sent no ticket')), 5_000))]);
    }
    await session.close();
  }
}

async function serveStream(stream) {
  stream.onerror = () => undefined;
  const request = Buffer.concat(await readAll(stream, isRequest));
  stream.setBody(fileFor(request));
}

async function server() {
  const tls = { keys: [createPrivateKey(pem('priv.key'))], certs: [Buffer.from(pem('cert.pem'))] };
  const generous = { sessionCreationRate: 1_000, sessionCreationBurst: 1_000, retryRate: 1_000, retryBurst: 1_000 };
  await listen(
    (session) => {
      session.onerror = (error) => say({ error: error?.message });
      session.onstream = (stream) => serveStream(stream).catch((error) => say({ stream: error.message }));
      session.ondatagram = (payload) => session.sendDatagram(payload);
      session.closed.catch((error) => say({ closed: error?.message }));
    },
    given({ ...common, endpoint: { address: `${address}:${port}`, validateAddress: testcase === 'retry', ...generous }, sni: { '*': tls } }),
  );
  await new Promise(() => undefined);
}

await run({ client, server });
