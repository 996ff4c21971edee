// HTTP/0.9 over QUIC ("hq-interop"), the protocol of the public interoperability tests: a bidirectional stream carries
// `GET /path` CRLF and FIN; the answer is the bytes of the file and FIN.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { fileBelow } from './files.mjs';

/** No request is longer; more bytes without a line's end are no request. */
const maxRequest = 8 * 1024;
/** Codes of our own for RESET_STREAM and STOP_SENDING. */
const noSuchFile = 404;
const badRequest = 400;

export const name = 'hq-interop';

/** Nothing needs to be said before requests. */
export function start() {}

/** A stream of the answer's bytes. */
export function request(stream, url) {
  stream.end(`GET ${new URL(url).pathname}\r\n`);
  return stream;
}

async function readPath(stream) {
  let text = '';
  const chunks = stream.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    text += chunk.toString('latin1');
    const line = /^GET (\/[^\s]*)(?: *\r?\n|$)/.exec(text);
    if (line !== null && text.includes('\n')) return line[1];
    if (text.length > maxRequest) break;
  }
  // FIN may take the place of the line's end.
  return /^GET (\/[^\s]*) *\r?$/.exec(text)?.[1];
}

/** Serves one stream of a client's from the files below `www`. */
export async function serve(stream, www) {
  const path = await readPath(stream);
  const found = path === undefined ? undefined : fileBelow(www, path);
  if (found === undefined) {
    stream.resetStream(path === undefined ? badRequest : noSuchFile);
    stream.stopSending(badRequest);
    return;
  }
  stream.resume(); // the rest of what the client says, up to FIN
  await pipeline(createReadStream(found.file, { highWaterMark: 256 * 1024 }), stream);
}
