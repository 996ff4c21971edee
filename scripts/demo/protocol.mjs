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
/** Share from which a transfer trickles until the last move is over: a pause of its own would look like one of the network. */
const kTricklesFrom = 0.85;
const kTrickleGap = 20;
/** Share at which it waits for that. */
const kHeldAt = 0.99;
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

/** Holds a transfer of `size` bytes back, so that every move meets every transfer under way. */
export class Allowance {
  #size;
  #clock;
  #trickledAt = -Infinity;

  constructor(size, clock = now) {
    this.#size = size;
    this.#clock = clock;
  }

  /**
   * May another piece follow the `given` bytes? Little more than has come from the other direction (`other` bytes), and slowly,
   * the last of it not at all, before all moves are over (`isReleased`).
   */
  allows(given, other, isReleased) {
    if (given > other + this.#size * kLead) return false;
    if (isReleased || given <= this.#size * kTricklesFrom) return true;
    if (given > this.#size * kHeldAt || this.#clock() - this.#trickledAt < kTrickleGap) return false;
    this.#trickledAt = this.#clock();
    return true;
  }
}

/**
 * The file's bytes, `times` over, no faster than `rate` bytes a second (0: as fast as they are taken), and each piece as soon as
 * `may(given)` allows more than the `given` bytes before it.
 */
export async function* fileBytes({ file, times }, rate = 0, may = () => true) {
  const began = now();
  let given = 0;
  for (let time = 0; time < times; time++) {
    for await (const piece of createReadStream(file, { highWaterMark: kPiece })) {
      if (rate > 0) {
        const early = (given / rate) * 1000 - (now() - began);
        if (early > 1) await delay(early);
      }
      while (!may(given)) await delay(kHeldPoll);
      given += piece.length;
      yield piece;
    }
  }
}
