// The face of a transport, for this package. Every request is a stream.
import { loadPackage } from '../lib/package.mjs';
import { Kind, kRequestLength, serve } from './service.mjs';

const quic = await loadPackage();

const alpn = ['bench'];

/** Starts a server that serves each stream. */
export async function listen({ workers }, { cert, key }) {
  const server = await quic.listen({ address: '127.0.0.1:0', alpn, tls: { cert, key }, workers });
  server.on('connection', (connection) => connection.on('stream', serve));
  return { port: server.address.port, close: () => server.destroy() };
}

class Connection {
  #connection;

  constructor(connection) {
    this.#connection = connection;
  }

  stream() {
    return this.#connection.openStream();
  }

  /** Returns a function that sends a request and calls back with its answer's length. */
  asker() {
    const connection = this.#connection;
    const request = Buffer.alloc(kRequestLength, 0x52);
    request[0] = Kind.request;
    return (done) => {
      connection.openStream().then((stream) => {
        let length = 0;
        stream.on('data', (chunk) => (length += chunk.length));
        stream.on('end', () => done(undefined, length));
        stream.on('error', done);
        stream.end(request);
      }, done);
    };
  }

  close() {
    this.#connection.destroy();
  }
}

/** Connects and shakes hands, in full. */
export async function open({ threaded }, { port, ca }) {
  return new Connection(await quic.connect(`127.0.0.1:${port}`, { alpn, tls: { ca }, serverName: 'localhost', threaded }));
}
