// The application that the demonstration runs over QUIC. A client opens a stream for each thing that it wants; the stream
// begins with one byte that says what, and a number:
//
//   hello     the length of a name, then the name       answered by the same number
//   request   the request's number                      answered by the same number
//   upload    how many bytes follow                     answered by their SHA-256
//   download  bytes a second, 0: as fast as it goes     answered by the file
import { createReadStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../lib/remote.mjs';

export const alpn = 'node-mvfst-demo';
export const Kind = { hello: 1, request: 2, upload: 3, download: 4 };
export const headerLength = 9;
export const numberLength = 8;

const kPiece = 256 * 1024;
/** Share of the file by which one direction may be ahead of the other. */
const kLead = 0.08;
/** Share at which a transfer waits for the last move; on a machine that is fast enough none comes so far before. */
const kHeldAt = 0.85;
const kHeldPoll = 5;

export function header(kind, number) {
  const bytes = Buffer.alloc(headerLength);
  bytes.writeUInt8(kind);
  bytes.writeBigUInt64BE(BigInt(Math.round(number)), 1);
  return bytes;
}

export function numberBytes(number) {
  const bytes = Buffer.alloc(numberLength);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

export function readNumber(bytes, at = 0) {
  return Number(bytes.readBigUInt64BE(at));
}

/** Takes the first `length` bytes off a stream, however they come. What follows them stays in it. */
export async function take(stream, length) {
  let bytes = Buffer.alloc(0);
  for (;;) {
    // All that there is: a stream that is asked for more than it has is readable again at once, and nothing else would run.
    const chunk = stream.read();
    if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= length) break;
    if (stream.readableEnded || stream.destroyed) throw stream.errored ?? new Error('the stream ended early');
    if (chunk === null) await somethingHappens(stream);
  }
  if (bytes.length > length) stream.unshift(bytes.subarray(length));
  return bytes.subarray(0, length);
}

function somethingHappens(stream) {
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'close', 'error'];
    const done = () => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}

/** Everything that comes until the end, of which there may be `most` bytes. */
export async function readAll(stream, most) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > most) throw new Error(`more than ${most} bytes were answered`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * How much of `size` bytes may be given, so that every move meets every transfer under way: little more than has come from
 * the other direction (`other` bytes), and not the last of it before all moves are over.
 */
export function allowance(size, other, isReleased) {
  return Math.min(other + size * kLead, isReleased ? Infinity : size * kHeldAt);
}

/** The file's bytes, `times` over, no faster than `rate` bytes a second (0: as fast as they are taken), as far as `may()` allows. */
export async function* fileBytes({ file, times }, rate = 0, may = () => Infinity) {
  const began = now();
  let given = 0;
  for (let time = 0; time < times; time++) {
    for await (const piece of createReadStream(file, { highWaterMark: kPiece })) {
      if (rate > 0) {
        const early = (given / rate) * 1000 - (now() - began);
        if (early > 1) await delay(early);
      }
      while (given > may()) await delay(kHeldPoll);
      given += piece.length;
      yield piece;
    }
  }
}
