/**
 * What a client may keep of a connection for the next one to the same server: the TLS session with what the server allowed,
 * and a token that proves the client's address. To the application it is opaque bytes.
 */
import { types } from 'node:util';
import { invalidArgument } from './errors.js';

export interface Session {
  readonly ticket: Uint8Array;
  readonly token: Uint8Array;
}

/** One byte of format, two of the token's length, the token, the ticket. */
const kFormat = 1;
const kHead = 3;
const kMaxSize = 64 * 1024;
const kEmpty = new Uint8Array(0);

export function encodeSession({ ticket, token }: Session): Uint8Array {
  const bytes = new Uint8Array(kHead + token.byteLength + ticket.byteLength);
  bytes[0] = kFormat;
  new DataView(bytes.buffer).setUint16(1, token.byteLength);
  bytes.set(token, kHead);
  bytes.set(ticket, kHead + token.byteLength);
  return bytes;
}

/** Bytes that are no session of ours make none: a full handshake follows, as with a ticket that the server does not take. */
export function decodeSession(bytes: Uint8Array): Session {
  const none = { ticket: kEmpty, token: kEmpty };
  if (bytes.byteLength < kHead || bytes.byteLength > kMaxSize || bytes[0] !== kFormat) return none;
  const tokenSize = new DataView(bytes.buffer, bytes.byteOffset).getUint16(1);
  if (kHead + tokenSize > bytes.byteLength) return none;
  return { token: bytes.slice(kHead, kHead + tokenSize), ticket: bytes.slice(kHead + tokenSize) };
}

export function checkSession(value: unknown, what: string): void {
  if (!types.isUint8Array(value)) throw invalidArgument(`\`${what}\` must be the Uint8Array of a \`session\` event`);
}

/** Puts together what comes one by one, and keeps the newest until somebody listens. Without a ticket it is nothing yet. */
export class SessionKeeper {
  #ticket: Uint8Array = kEmpty;
  #token: Uint8Array = kEmpty;
  #isNew = false;

  onTicket(bytes: Uint8Array): void {
    this.#ticket = bytes;
    this.#isNew = true;
  }
  onToken(bytes: Uint8Array): void {
    this.#token = bytes;
    this.#isNew = this.#ticket.byteLength > 0;
  }

  /** Once for each: what has come since the last call. */
  take(): Uint8Array | undefined {
    if (!this.#isNew) return undefined;
    this.#isNew = false;
    return encodeSession({ ticket: this.#ticket, token: this.#token });
  }
}
