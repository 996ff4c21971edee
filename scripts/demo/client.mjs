// One of the demonstration's clients, a process of its own: it sends a file and receives it, and asks a numbered question
// every few milliseconds all the while.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { loadPackage } from '../lib/package.mjs';
import { answer, fail, notify, now } from '../lib/remote.mjs';
import { Allowance, Kind, alpn, fileBytes, header, readAll, readNumber } from './protocol.mjs';
import { Requests } from './requests.mjs';
import { Session } from './session.mjs';

const kProgressInterval = 50;
const kHashLength = 32;
/** Arrivals closer to each other than this are one. */
const kArrivalGrain = 1;

let session;
let requests;
/** Are all moves over? */
let isReleased = false;
/** [when, bytes written, bytes received] now and then. */
const samples = [];
/** When bytes of the download came. */
const arrivals = [];
const bytes = { up: 0, down: 0 };

function say(text, details = {}) {
  notify({ type: 'event', at: now(), text, ...details });
}

function onMigration(event) {
  const where = event.address ? ` ${event.address.host}` : '';
  const pause = event.type === 'completed' ? ` on ${event.path.peer.host}, ${event.downtime.toFixed(1)} ms after the last packet from the old address` : '';
  say(`${event.type}${where}${pause}`, { hasFollowed: event.type === 'completed' });
}

async function upload(connection, { file, rate }) {
  const beganAt = now();
  const stream = await connection.openStream();
  bytes.up = 0;
  const hash = createHash('sha256');
  async function* body() {
    yield header(Kind.upload, file.size);
    const allowance = new Allowance(file.size);
    for await (const piece of fileBytes(file, rate, (given) => allowance.allows(given, bytes.down, isReleased))) {
      hash.update(piece);
      yield piece;
      bytes.up += piece.length;
    }
  }
  await pipeline(body(), stream);
  const answered = await readAll(stream, kHashLength);
  return { beganAt, endedAt: now(), sent: hash.digest('hex'), answered: answered.toString('hex') };
}

async function download(connection, { rate }) {
  const beganAt = now();
  const stream = await connection.openStream();
  bytes.down = 0;
  stream.end(header(Kind.download, rate));
  const hash = createHash('sha256');
  for await (const chunk of stream) {
    const at = now();
    if (arrivals.length === 0 || at - arrivals.at(-1) >= kArrivalGrain) arrivals.push(at);
    bytes.down += chunk.length;
    hash.update(chunk);
  }
  return { beganAt, endedAt: now(), received: hash.digest('hex'), bytes: bytes.down };
}

function sample(size) {
  samples.push([now(), bytes.up, bytes.down]);
  notify({ type: 'progress', share: Math.min(bytes.up, bytes.down) / size, ...bytes });
}

answer(
  {
    async connect({ name, hosts, port, ca, migration }) {
      const { connect } = await loadPackage();
      const greet = async (connection) => {
        connection.on('migration', onMigration);
        const stream = await connection.openStream();
        stream.end(Buffer.concat([header(Kind.hello, Buffer.byteLength(name)), Buffer.from(name)]));
        await readAll(stream, 8);
        return connection;
      };
      session = new Session({
        hosts,
        mayReconnect: migration === undefined,
        connect: (host, options) =>
          connect({ host, port }, { alpn: [alpn], serverName: 'localhost', tls: { ca }, serverMigration: migration, ...options }).then(greet),
        hear: {
          onReconnected: (ms, reason) => say(`was told '${reason}', and is connected again after ${ms.toFixed(1)} ms`, { hasFollowed: true }),
          onLost: fail,
        },
      });
      const beganAt = now();
      await session.open();
      const protocols = await session.use(({ serverMigration }) => [...(serverMigration?.protocols ?? [])].join(', '));
      say(`connected in ${(now() - beganAt).toFixed(1)} ms; agreed on ${protocols || 'no migration'}`);
    },

    /** Both transfers at once, and requests from now until `finish`. */
    async transfer({ interval, ...work }) {
      requests = new Requests(interval, (number) =>
        session.use(async (connection) => {
          const stream = await connection.openStream();
          stream.end(header(Kind.request, number));
          return readNumber(await readAll(stream, 8));
        }),
      );
      const timer = setInterval(sample, kProgressInterval, work.file.size);
      sample(work.file.size);
      requests.start();
      try {
        const [up, down] = await Promise.all([session.use((connection) => upload(connection, work)), session.use((connection) => download(connection, work))]);
        say('both transfers are done');
        return { up, down };
      } finally {
        clearInterval(timer);
        sample(work.file.size);
      }
    },

    release() {
      isReleased = true;
    },

    /** Where the server is, after so many moves. */
    async peer({ moves }) {
      await session.reconnected(moves);
      return session.use(({ path }) => path.peer.host);
    },

    async finish() {
      const asked = await requests.finish();
      await session.close();
      return { ...asked, samples, arrivals, reconnects: session.reconnects, repetitions: session.repetitions };
    },
  },
  () => session?.destroy(),
);
