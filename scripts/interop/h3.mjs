// HTTP/3 (RFC 9114) as far as a GET and its answer go, for peers that speak nothing simpler. No server push, no dynamic
// table, no trailers, no bodies of requests.
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileBelow } from './files.mjs';
import { decodeFields, encodeGet, encodeStatus } from './qpack.mjs';

export const name = 'h3';

const frameType = { data: 0, headers: 1, settings: 4 };
const controlStream = 0;
/** Field sections are small; what is larger is not for us. */
const maxFieldSection = 64 * 1024;
const requestRejected = 0x010b;
const messageError = 0x010e;

/** RFC 9000 §16. */
export function encodeVarint(value) {
  if (value < 0x40) return Buffer.from([value]);
  const bytes = Buffer.alloc(value < 0x4000 ? 2 : value < 0x40000000 ? 4 : 8);
  if (bytes.length === 2) bytes.writeUInt16BE(0x4000 | value);
  else if (bytes.length === 4) bytes.writeUInt32BE(0x80000000 + value);
  else bytes.writeBigUInt64BE(0xc000000000000000n | BigInt(value));
  return bytes;
}

/** The number at the start of `bytes` and its length; undefined when it is not all there. */
export function decodeVarint(bytes, at = 0) {
  if (at >= bytes.length) return undefined;
  const length = 1 << (bytes[at] >> 6);
  if (bytes.length < at + length) return undefined;
  let value = bytes[at] & 0x3f;
  for (let index = 1; index < length; index++) value = value * 256 + bytes[at + index];
  return { value, length };
}

function frame(type, payload) {
  return Buffer.concat([encodeVarint(type), encodeVarint(payload.length), payload]);
}

/** Takes the bytes of a request stream apart: fields to `onFields`, the content of DATA frames out. */
class FrameReader extends Transform {
  #head = Buffer.alloc(0);
  #type;
  #left = 0;
  #onFields;

  constructor(onFields) {
    super();
    this.#onFields = onFields;
  }
  _transform(chunk, _encoding, callback) {
    try {
      let rest = chunk;
      while (rest.length > 0) rest = this.#step(rest);
      callback();
    } catch (error) {
      callback(error);
    }
  }
  _flush(callback) {
    callback(this.#type === undefined && this.#head.length === 0 ? undefined : new Error('the stream ends within a frame'));
  }
  #step(chunk) {
    if (this.#type === undefined) return this.#readHead(Buffer.concat([this.#head, chunk]));
    const piece = chunk.subarray(0, this.#left);
    if (this.#type === frameType.data) this.push(piece);
    else if (this.#type === frameType.headers) this.#head = Buffer.concat([this.#head, piece]);
    this.#left -= piece.length;
    if (this.#left === 0) this.#endFrame();
    return chunk.subarray(piece.length);
  }
  #readHead(bytes) {
    const type = decodeVarint(bytes);
    const length = type && decodeVarint(bytes, type.length);
    if (length === undefined) {
      this.#head = bytes;
      return Buffer.alloc(0);
    }
    if (type.value === frameType.headers && length.value > maxFieldSection) throw new Error('a field section is too large');
    this.#head = Buffer.alloc(0);
    this.#type = type.value;
    this.#left = length.value;
    if (this.#left === 0) this.#endFrame();
    return bytes.subarray(type.length + length.length);
  }
  #endFrame() {
    if (this.#type === frameType.headers) this.#onFields(decodeFields(this.#head));
    this.#head = Buffer.alloc(0);
    this.#type = undefined;
  }
}

/** Opens the control stream; the peer's unidirectional streams are read and forgotten by `serve`. */
export async function start(connection) {
  const control = await connection.openUnidirectionalStream();
  control.on('error', () => undefined);
  control.write(Buffer.concat([encodeVarint(controlStream), frame(frameType.settings, Buffer.alloc(0))]));
}

/** A stream of the content of the answer. */
export function request(stream, url) {
  const { host, pathname } = new URL(url);
  stream.end(frame(frameType.headers, encodeGet(host, pathname)));
  let isFound = false;
  const content = new FrameReader((fields) => {
    if (fields[':status'] !== '200') throw new Error(`${url} was answered with status ${fields[':status']}`);
    isFound = true;
  });
  const check = new Transform({
    transform: (chunk, _encoding, callback) => callback(null, chunk),
    flush: (callback) => callback(isFound ? undefined : new Error(`${url} was answered with no status`)),
  });
  pipeline(stream, content, check).catch(() => undefined);
  return check;
}

async function readRequest(stream) {
  let found;
  const reader = new FrameReader((fields) => (found ??= fields));
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    reader.write(chunk);
    if (reader.errored) throw reader.errored;
    if (found !== undefined) return found;
  }
  return found;
}

/** Serves one stream of a client's from the files below `www`. */
export async function serve(stream, www) {
  const fields = await readRequest(stream).catch(() => undefined);
  if (fields?.[':method'] !== 'GET' || fields[':path'] === undefined) {
    stream.resetStream(fields === undefined ? messageError : requestRejected);
    stream.stopSending(requestRejected);
    return;
  }
  stream.resume();
  const found = fileBelow(www, fields[':path']);
  stream.write(frame(frameType.headers, encodeStatus(found !== undefined)));
  if (found === undefined || found.size === 0) {
    stream.end();
    return;
  }
  stream.write(Buffer.concat([encodeVarint(frameType.data), encodeVarint(found.size)]));
  await pipeline(createReadStream(found.file, { highWaterMark: 256 * 1024 }), stream);
}
