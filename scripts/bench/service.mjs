// The server's side of every load, on any Duplex: a QUIC stream or a TLS socket. The first byte says what is wanted:
//
//   upload     8 bytes of length, then the bytes      answered by 8 bytes: how many came
//   download   8 bytes of length                      answered by as many bytes
//   request    in all kRequestLength bytes            answered by as many
//   messages   any number of messages, each with 4 bytes of length before it; each is answered by itself

export const Kind = { upload: 1, download: 2, request: 3, messages: 4 };
export const kRequestLength = 100;
export const kHeaderLength = 9;
export const kPrefix = 4;

/** As large as what a file's stream gives. */
const piece = Buffer.alloc(64 * 1024, 0x51);

export function header(kind, length) {
  const bytes = Buffer.alloc(kHeaderLength);
  bytes.writeUInt8(kind);
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

/** Writes `length` bytes, as fast as they are taken, and then, if it is to, ends the stream. */
export function pump(stream, length, { isEnd = false } = {}) {
  let left = length;
  const push = () => {
    while (left > 0 && !stream.destroyed) {
      const bytes = left < piece.length ? piece.subarray(0, left) : piece;
      left -= bytes.length;
      if (left === 0 && isEnd) stream.end(bytes);
      else if (!stream.write(bytes) && left > 0) {
        stream.once('drain', push);
        return;
      }
    }
  };
  push();
}

/** Calls `onMessage` for each message in a stream of chunks; returns the function that takes a chunk. */
export function messageReader(onMessage) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (bytes.length >= kPrefix) {
      const end = kPrefix + bytes.readUInt32BE();
      if (bytes.length < end) break;
      onMessage(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    rest = bytes;
  };
}

function serveUpload(stream, first) {
  const length = Number(first.readBigUInt64BE(1));
  let left = length;
  const take = (chunk) => {
    left -= chunk.length;
    if (left === 0) stream.end(header(Kind.upload, length).subarray(1));
  };
  take(first.subarray(kHeaderLength));
  return take;
}

function serveDownload(stream, first) {
  pump(stream, Number(first.readBigUInt64BE(1)), { isEnd: true });
  return () => undefined;
}

function serveMessages(stream, first) {
  const read = messageReader((message) => stream.write(message));
  const take = (chunk) => {
    stream.cork();
    read(chunk);
    stream.uncork();
  };
  take(first.subarray(1));
  return take;
}

/** Reads the first chunk, long enough to know what is wanted, and then does it. */
export function serve(stream) {
  let first = Buffer.alloc(0);
  let take;
  const begin = (chunk) => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const kind = first[0];
    if (kind === Kind.request) {
      if (first.length >= kRequestLength) stream.end(first);
    } else if (kind === Kind.messages) {
      take = serveMessages(stream, first);
    } else if (first.length >= kHeaderLength) {
      take = kind === Kind.upload ? serveUpload(stream, first) : serveDownload(stream, first);
    }
  };
  stream.on('data', (chunk) => (take ?? begin)(chunk));
  stream.on('error', () => undefined);
}
