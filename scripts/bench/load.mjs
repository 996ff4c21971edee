// The client's side of every load, on either transport. A load is prepared, then measured, then tidied up; only what is in
// `measure` counts. `open()` makes a connection.
import { quantile } from '../lib/figures.mjs';
import { Kind, header, kRequestLength, pump } from './service.mjs';

const kOpenAtOnce = 16;

/** Everything a stream gives until its end: how many bytes. */
function drain(stream) {
  return new Promise((resolve, reject) => {
    let length = 0;
    stream.on('data', (chunk) => (length += chunk.length));
    stream.on('end', () => resolve(length));
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('the stream was closed early')));
  });
}

async function bulk(open, transfer, { bytes }) {
  const connection = await open();
  const stream = await connection.stream();
  return {
    async measure() {
      const began = performance.now();
      await transfer(stream, bytes);
      return { bytes, elapsed: performance.now() - began };
    },
    tidy: () => connection.close(),
  };
}

async function sendAll(stream, bytes) {
  const answered = drain(stream);
  stream.write(header(Kind.upload, bytes));
  pump(stream, bytes);
  if ((await answered) !== 8) throw new Error('the upload was not confirmed');
}

async function receiveAll(stream, bytes) {
  const received = drain(stream);
  stream.write(header(Kind.download, bytes));
  const length = await received;
  if (length !== bytes) throw new Error(`${length} of ${bytes} bytes came`);
}

/** Repeats `work(done)` in `inFlight` strands for `durationMs`; resolves with what it took. */
function repeat({ inFlight, durationMs }, work) {
  return new Promise((resolve, reject) => {
    const latencies = [];
    const began = performance.now();
    let open = inFlight;
    const strand = () => {
      const at = performance.now();
      work((error) => {
        const now = performance.now();
        latencies.push(now - at);
        if (error) reject(error);
        else if (now - began < durationMs) strand();
        else if (--open === 0) resolve({ count: latencies.length, elapsed: now - began, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) });
      });
    };
    for (let index = 0; index < inFlight; index++) strand();
  });
}

async function requests(open, test) {
  const connection = await open();
  const ask = connection.asker();
  const askOnce = (done) => ask((error, length) => done(error ?? (length === kRequestLength ? undefined : new Error(`an answer had ${length} bytes`))));
  return { measure: () => repeat(test, askOnce), tidy: () => connection.close() };
}

async function handshakes(open, test) {
  const shakeOnce = (done) => {
    open().then((connection) => {
      connection.close();
      done();
    }, done);
  };
  return { measure: () => repeat(test, shakeOnce), tidy: () => undefined };
}

async function idle(open, { connections }) {
  const opened = [];
  return {
    async measure() {
      const strand = async (first) => {
        for (let index = first; index < connections; index += kOpenAtOnce) opened.push(await open());
      };
      await Promise.all(Array.from({ length: kOpenAtOnce }, (_, first) => strand(first)));
      return { count: opened.length };
    },
    tidy: () => opened.forEach((connection) => connection.close()),
  };
}

const loads = {
  upload: (open, test) => bulk(open, sendAll, test),
  download: (open, test) => bulk(open, receiveAll, test),
  requests,
  handshakes,
  idle,
};

/** Resolves with `{ measure, tidy }`. */
export function prepare(open, test) {
  return loads[test.load](open, test);
}
