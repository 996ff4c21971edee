// Clients of a server that moves, in a process of their own. Each keeps an exchange going: frames of random bytes up, as many
// down, a few under way at any time, until it is told to stop; then both ends compare what they sent with what came.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from '../../../../dist/esm/index.js';

const kFrame = 4096;
const kWindow = 8;
const kDigest = 32;

class Exchange {
  #connection;
  #stream;
  #sent = createHash('sha256');
  #received = createHash('sha256');
  #framesSent = 0;
  #bytesReceived = 0;
  #tail = [];
  #isStopping = false;
  #waiting = [];
  #events = [];
  #ended;

  static async open(address, way) {
    const { localAddress, ...serverMigration } = way;
    const options = { alpn: ['test'], serverName: 'localhost', tls: { ca: readFileSync(process.env.TEST_CA, 'utf8') }, serverMigration };
    const connection = await connect(address, { ...options, ...(localAddress && { localAddress }) });
    const exchange = new Exchange();
    await exchange.#begin(connection);
    return exchange;
  }

  async #begin(connection) {
    this.#connection = connection;
    connection.on('migration', ({ type }) => this.#events.push(type));
    this.#stream = await connection.openStream();
    this.#ended = new Promise((resolve, reject) => this.#stream.on('end', resolve).on('error', reject));
    this.#ended.catch(() => undefined);
    this.#stream.on('data', (chunk) => this.#onData(chunk));
    this.#pump();
  }

  get #framesReceived() {
    return Math.floor(this.#bytesReceived / kFrame);
  }

  #pump() {
    while (!this.#isStopping && this.#framesSent - this.#framesReceived < kWindow) {
      const frame = randomBytes(kFrame);
      this.#sent.update(frame);
      this.#stream.write(frame);
      this.#framesSent++;
    }
  }

  #onData(chunk) {
    const room = this.#framesSent * kFrame - this.#bytesReceived;
    this.#received.update(chunk.subarray(0, room));
    this.#bytesReceived += Math.min(chunk.length, room);
    if (chunk.length > room) this.#tail.push(chunk.subarray(room));
    this.#waiting = this.#waiting.filter(({ frames, resolve }) => this.#framesReceived < frames || resolve());
    this.#pump();
  }

  /** Resolves with where the server is, when so many frames more have come back. */
  async more(count) {
    const frames = this.#framesReceived + count;
    const came = new Promise((resolve) => this.#waiting.push({ frames, resolve }));
    await Promise.race([came, this.#ended.then(() => Promise.reject(new Error('the stream ended')))]);
    return this.#connection.path.peer;
  }

  async stop() {
    this.#isStopping = true;
    this.#stream.end();
    await this.#ended;
    const digests = Buffer.concat(this.#tail);
    const { migrations } = await this.#connection.stats();
    const result = {
      frames: this.#framesSent,
      isUpEqual: digests.subarray(0, kDigest).equals(this.#sent.digest()),
      isDownEqual: digests.subarray(kDigest).equals(this.#received.digest()) && digests.length === 2 * kDigest,
      peer: this.#connection.path.peer,
      events: this.#events,
      migrations,
    };
    await this.#connection.close();
    return result;
  }
}

let exchanges = [];
const commands = {
  async connect({ address, ways }) {
    exchanges = await Promise.all(ways.map((way) => Exchange.open(address, way)));
    return exchanges.length;
  },
  more: (count) => Promise.all(exchanges.map((exchange) => exchange.more(count))),
  stop: () => Promise.all(exchanges.map((exchange) => exchange.stop())),
};

process.on('message', async ({ id, name, argument }) => {
  try {
    process.send({ id, value: await commands[name](argument) });
  } catch (error) {
    process.send({ id, error: `${error.code ?? ''} ${error.message}` });
  }
});
process.on('disconnect', () => process.exit(0));
