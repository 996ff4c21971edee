// The face of a transport, for node:tls over TCP. A connection is one stream; requests are messages on it.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { Kind, kPrefix, kRequestLength, messageReader, serve } from './service.mjs';

const alpn = { ALPNProtocols: ['bench'] };
const kind = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', ecdhCurve: 'X25519' };
/** Made once, as a program that opens many connections should. */
let clientContext;

/** Starts a server that serves each stream. */
export async function listen(_subject, { cert, key }) {
  const server = tls.createServer({ ...kind, ...alpn, cert, key, secureOptions: constants.SSL_OP_NO_TICKET, noDelay: true }, serve);
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port, close: () => server.close() };
}

class Connection {
  #socket;

  constructor(socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
  }

  async stream() {
    return this.#socket;
  }

  /** Returns a function that sends a request and calls back with its answer's length. */
  asker() {
    const waiting = [];
    const message = Buffer.alloc(kPrefix + kRequestLength, 0x52);
    message.writeUInt32BE(kRequestLength);
    const socket = this.#socket;
    const read = messageReader((bytes) => waiting.shift()(undefined, bytes.length - kPrefix));
    socket.on('data', (chunk) => {
      socket.cork();
      read(chunk);
      socket.uncork();
    });
    socket.once('close', () => waiting.splice(0).forEach((done) => done(new Error('the connection was closed'))));
    socket.write(Buffer.of(Kind.messages));
    return (done) => {
      waiting.push(done);
      socket.write(message);
    };
  }

  close() {
    this.#socket.destroy();
  }
}

/** Connects and shakes hands, in full. */
export function open(_subject, { port, ca }) {
  clientContext ??= tls.createSecureContext({ ...kind, ca });
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...alpn, host: '127.0.0.1', port, secureContext: clientContext, servername: 'localhost' });
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      resolve(new Connection(socket));
    });
  });
}
