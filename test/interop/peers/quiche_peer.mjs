// quiche (Cloudflare), by the native binding that @matrixai/quic exports; the loop around it is ours, so that all that
// quiche can do is within reach. The path of the package is the first argument.
import { createHash, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { address, alpn, connectionsOf, datagrams, fileFor, isClient, isRequest, needsSession, pem, port, requestFor, run, save, say, testcase } from './common.mjs';

const { native } = await import(process.argv[2]);
const { quiche } = native;
const scratch = Buffer.alloc(64 * 1024);
const windowSize = 16 * 1024 * 1024;
const idLength = 16;
const spareIds = 4;

function makeConfig() {
  const bytes = (name) => Buffer.from(pem(name));
  const config = isClient
    ? quiche.Config.withBoringSslCtx(true, false, bytes('ca.pem'))
    : quiche.Config.withBoringSslCtx(false, false, null, [bytes('priv.key')], [bytes('cert.pem')]);
  config.setApplicationProtos([alpn]);
  config.setMaxIdleTimeout(30_000);
  config.setMaxRecvUdpPayloadSize(1500);
  config.setMaxSendUdpPayloadSize(1350);
  config.setInitialMaxData(windowSize);
  config.setInitialMaxStreamDataBidiLocal(windowSize);
  config.setInitialMaxStreamDataBidiRemote(windowSize);
  config.setInitialMaxStreamsBidi(100);
  config.setInitialMaxStreamsUni(100);
  config.setActiveConnectionIdLimit(spareIds);
  config.setDisableActiveMigration(false);
  config.enableDgram(true, 1_000, 1_000);
  config.enableEarlyData();
  if (process.env.SSLKEYLOGFILE) config.logKeys();
  return config;
}

async function bind(host, boundPort) {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024, sendBufferSize: 4 * 1024 * 1024 });
  socket.bind(boundPort, host);
  await once(socket, 'listening');
  return socket;
}

const here = (socket) => ({ host: socket.address().address, port: socket.address().port });

/** One connection, of either side: datagrams in, datagrams out, a timer, and streams. */
class Connection {
  #timer;
  #unsent = new Map();
  #received = new Map();
  sockets = [];
  onStream;
  onPathEvent;
  onDatagram;
  isOver = false;
  ended = Promise.withResolvers?.() ?? deferred();
  established = deferred();
  ids = new Set();

  constructor(quic, socket) {
    this.quic = quic;
    this.sockets.push(socket);
    if (process.env.SSLKEYLOGFILE) quic.setKeylog(process.env.SSLKEYLOGFILE);
  }
  receive(bytes, from, socket) {
    try {
      this.quic.recv(bytes, { from, to: here(socket) });
    } catch (error) {
      if (error.message !== 'Done') say({ refused: error.message });
    }
    this.turn();
  }
  send(stream, bytes, isEnd) {
    this.#unsent.set(stream, { bytes, isEnd });
    this.turn();
  }
  turn() {
    if (this.isOver) return;
    if (this.quic.isEstablished() || this.quic.isInEarlyData()) {
      if (this.quic.isEstablished()) this.#establish();
      this.#read();
      this.#write();
      for (let payload = this.quic.dgramRecvVec(); payload !== null; payload = this.quic.dgramRecvVec()) this.onDatagram?.(payload);
    }
    for (let event = this.quic.pathEventNext(); event !== null; event = this.quic.pathEventNext()) { this.onPathEvent?.(event); if (process.env.DBG) console.log(event); }
    this.flush();
    if (this.quic.isClosed()) {
      this.isOver = true;
      clearTimeout(this.#timer);
      this.ended.resolve();
    }
  }
  flush() {
    for (;;) {
      const sent = this.quic.send(scratch);
      if (sent === null) break;
      const [length, { from, to }] = sent;
      const socket = this.sockets.find((one) => here(one).port === from.port) ?? this.sockets[0];
      socket.send(Buffer.from(scratch.subarray(0, length)), to.port, to.host);
    }
    clearTimeout(this.#timer);
    const wait = this.quic.timeout();
    if (wait !== null) {
      this.#timer = setTimeout(() => {
        this.quic.onTimeout();
        this.turn();
      }, wait);
    }
  }
  #establish() {
    this.established.resolve();
    while (this.quic.sourceCidsLeft() > 0) {
      const id = randomBytes(idLength);
      this.quic.newSourceCid(id, BigInt(`0x${randomBytes(16).toString('hex')}`), false);
      this.ids.add(id.toString('hex'));
      this.onNewId?.(id);
    }
  }
  #read() {
    for (const stream of this.quic.readable()) {
      const chunks = this.#received.get(stream) ?? [];
      this.#received.set(stream, chunks);
      let isEnd = false;
      for (;;) {
        let got;
        try {
          got = this.quic.streamRecv(stream, scratch);
        } catch (error) {
          say({ stream, error: error.message });
          break;
        }
        if (got === null) break;
        chunks.push(Buffer.from(scratch.subarray(0, got[0])));
        isEnd = got[1];
        if (isEnd) break;
      }
      this.onStream?.(stream, chunks, isEnd);
      if (isEnd) this.#received.delete(stream);
    }
  }
  #write() {
    for (const [stream, { bytes, isEnd }] of this.#unsent) {
      let sent;
      try {
        sent = this.quic.streamSend(stream, bytes, isEnd);
      } catch (error) {
        if (!/StreamLimit|Done/.test(error.message)) this.#unsent.delete(stream);
        continue;
      }
      if (sent === null) continue;
      if (sent === bytes.length) this.#unsent.delete(stream);
      else this.#unsent.set(stream, { bytes: bytes.subarray(sent), isEnd });
    }
  }
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

// ---- client ----------------------------------------------------------------------------------------------------------------

async function open(url, session) {
  const { hostname, port: to } = new URL(url);
  const socket = await bind('127.0.0.1', 0);
  const peer = { host: hostname, port: Number(to) };
  const connection = new Connection(quiche.Connection.connect('localhost', randomBytes(idLength), here(socket), peer, makeConfig()), socket);
  connection.peer = peer;
  if (session !== undefined) connection.quic.setSession(session);
  connection.listen = (one) => one.on('message', (bytes, from) => connection.receive(bytes, { host: from.address, port: from.port }, one));
  connection.listen(socket);
  connection.flush();
  return connection;
}

function fetchAll(connection, urls) {
  const answers = new Map();
  const all = urls.map((url, index) => {
    const answer = deferred();
    answers.set(index * 4, { url, answer });
    return answer.promise;
  });
  connection.onStream = (stream, chunks, isEnd) => {
    if (!isEnd) return;
    save(answers.get(stream).url, chunks);
    answers.get(stream).answer.resolve();
  };
  urls.forEach((url, index) => connection.send(index * 4, requestFor(url), true));
  return Promise.race([Promise.all(all), connection.ended.promise.then(() => Promise.reject(new Error('the connection ended')))]);
}

async function exchangeDatagrams(connection) {
  const missing = new Set(datagrams());
  connection.onDatagram = (payload) => missing.delete(Buffer.from(payload).toString('latin1'));
  while (missing.size > 0) {
    for (const text of missing) connection.quic.dgramSend(Buffer.from(text, 'latin1'));
    connection.turn();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  say({ datagrams: datagrams().length });
}

async function migrate(connection) {
  const socket = await bind('127.0.0.1', 0);
  connection.sockets.push(socket);
  connection.listen(socket);
  const validated = deferred();
  connection.onPathEvent = ({ type, local }) => type === 'Validated' && local.port === here(socket).port && validated.resolve();
  while (connection.quic.availableDcids() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  connection.quic.probePath(here(socket), connection.peer);
  connection.flush();
  await validated.promise;
  connection.quic.migrate(here(socket), connection.peer);
  connection.turn();
}

async function client() {
  let session;
  for (const { urls, isFirst, isSecond } of connectionsOf()) {
    const connection = await open(urls[0], isSecond ? session : undefined);
    if (!(isSecond && testcase === 'zerortt')) await connection.established.promise;
    const beside = testcase === 'datagram' ? exchangeDatagrams(connection) : testcase === 'connectionmigration' ? migrate(connection) : undefined;
    await fetchAll(connection, urls);
    await beside;
    if (isFirst) {
      for (let tries = 0; tries < 100 && connection.quic.session() === null; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
      session = connection.quic.session();
      if (session === null) throw new Error('the server sent no ticket');
    }
    await connection.established.promise;
    say({ resumed: connection.quic.isResumed() });
    if (isSecond && needsSession && !connection.quic.isResumed()) throw new Error('not resumed');
    connection.quic.close(true, 0, Buffer.alloc(0));
    connection.turn();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}

// ---- server ----------------------------------------------------------------------------------------------------------------

function serveOn(connection) {
  const answered = new Set();
  connection.onStream = (stream, chunks) => {
    const request = Buffer.concat(chunks);
    if (!isRequest(request) || answered.has(stream)) return;
    answered.add(stream);
    connection.send(stream, fileFor(request), true);
  };
  connection.onDatagram = (payload) => connection.quic.dgramSend(payload);
}

async function server() {
  const socket = await bind(address, port);
  const byId = new Map();
  const config = makeConfig();
  config.setTicketKey(createHash('sha384').update('tickets of one server').digest());
  socket.on('message', (bytes, { address: host, port: fromPort }) => {
    const from = { host, port: fromPort };
    let header;
    try {
      header = quiche.Header.fromSlice(bytes, idLength);
    } catch {
      return;
    }
    const key = Buffer.from(header.dcid).toString('hex');
    const connection = byId.get(key) ?? accept(header, key, from);
    connection?.receive(bytes, from, socket);
  });
  const reply = (length, to) => socket.send(Buffer.from(scratch.subarray(0, length)), to.port, to.host);
  const accept = (header, key, from) => {
    if (header.ty === quiche.Type.Short) return undefined;
    if (!quiche.versionIsSupported(header.version)) {
      reply(quiche.negotiateVersion(header.scid, header.dcid, scratch), from);
      return undefined;
    }
    if (header.ty !== quiche.Type.Initial) return undefined;
    let original;
    let id = randomBytes(idLength);
    if (testcase === 'retry') {
      if (header.token.length === 0) {
        reply(quiche.retry(header.scid, header.dcid, id, Buffer.from(header.dcid), header.version, scratch), from);
        return undefined;
      }
      original = Buffer.from(header.token);
      id = Buffer.from(header.dcid);
    }
    const connection = new Connection(quiche.Connection.accept(id, original, here(socket), from, config), socket);
    connection.onNewId = (another) => byId.set(Buffer.from(another).toString('hex'), connection);
    byId.set(key, connection);
    byId.set(id.toString('hex'), connection);
    connection.established.promise.then(() => say({ resumed: connection.quic.isResumed() }));
    serveOn(connection);
    return connection;
  };
}

await run({ client, server });
