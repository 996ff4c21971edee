/**
 * One QUIC stream between the native side and the Node stream, or the two halves, that the application holds. It knows
 * where each half stands and moves bytes, credit and codes; what Node's streams do by themselves is in streams.ts.
 *
 * Back-pressure. Down: the native side takes everything, and says StreamWritable when it holds no more than its low mark
 * and at least so much was written since the last time; a write's callback waits for that once `kHighMark` is reached. Up:
 * the native side sends as many bytes as it has credit for (256 KiB), and credit is given back as the application reads.
 */
import { type Duplex, type Readable, type Writable } from 'node:stream';
import { Deferred } from './abort.js';
import { type QuicError, fromThrown, quicError, streamError, wireCodeOf } from './errors.js';
import { type Link } from './link.js';

/** Bytes given to the native side, since it last said StreamWritable, at which a writer is made to wait. */
export const kHighMark = 512 * 1024;
/** Credit is given back in pieces of this size: a quarter of what the native side starts with. */
export const kCreditPiece = 64 * 1024;

export type Receiver = Readable | Duplex;
export type Sender = Writable | Duplex;
type Callback = (error?: Error | null) => void;

/** `ended`: FIN was given to the native side. */
type Sending = 'none' | 'open' | 'ended' | 'acknowledged' | 'reset';
/** `complete`: FIN has come. */
type Receiving = 'none' | 'open' | 'complete' | 'reset' | 'stopped';

const ignore = (): void => undefined;

export class Channel {
  readonly link: Link;
  readonly id: number;
  readonly initiator: 'local' | 'remote';
  /** Does the native side know the stream? Ids that we spend are announced in order, at the first command. */
  isAnnounced: boolean;
  /** Has the application got the stream, so that its end must be told? */
  isTaken: boolean;
  receiver: Receiver | undefined;
  sender: Sender | undefined;
  sending: Sending;
  receiving: Receiving;
  #written = 0;
  #total = 0;
  #isUsed = false;
  #writing: Callback | undefined;
  #uncredited = 0;
  #isReaderFull = false;
  #resetWhenRead: QuicError | undefined;
  #acknowledged: Deferred<void> | undefined;
  #resetCode = 0n;
  #isStopped = false;

  constructor(link: Link, id: number, initiator: 'local' | 'remote') {
    const isUnidirectional = (id & 2) !== 0; // RFC 9000 §2.1
    this.link = link;
    this.id = id;
    this.initiator = initiator;
    this.isAnnounced = initiator === 'remote';
    this.isTaken = initiator === 'local';
    this.sending = isUnidirectional && initiator === 'remote' ? 'none' : 'open';
    this.receiving = isUnidirectional && initiator === 'local' ? 'none' : 'open';
  }

  get isUnidirectional(): boolean {
    return (this.id & 2) !== 0;
  }
  /** Was anything written? Then the stream cannot be split any more. */
  get isUsed(): boolean {
    return this.#isUsed;
  }
  get acknowledged(): Promise<void> {
    if (this.#acknowledged === undefined) {
      this.#acknowledged = new Deferred();
      if (this.sending === 'acknowledged') this.#acknowledged.resolve();
      else if (this.sending === 'reset') this.#acknowledged.reject(this.#sendError());
      else if (this.link.isOver) this.#acknowledged.reject(this.link.error);
    }
    return this.#acknowledged.promise;
  }

  // ---- what the application does

  write(bytes: Uint8Array, isLast: boolean, callback: Callback): void {
    if (!this.#maySend(callback)) return;
    try {
      this.link.write(this, bytes, isLast);
    } catch (error) {
      callback(fromThrown(error));
      return;
    }
    this.#afterWrite(bytes.byteLength, isLast, callback);
  }

  writev(chunks: readonly Uint8Array[], isLast: boolean, callback: Callback): void {
    if (!this.#maySend(callback)) return;
    let length = 0;
    for (const chunk of chunks) length += chunk.byteLength;
    try {
      this.link.writev(this, chunks, isLast);
    } catch (error) {
      callback(fromThrown(error));
      return;
    }
    this.#afterWrite(length, isLast, callback);
  }

  /** FIN, unless it went with the last bytes. */
  finish(callback: Callback): void {
    if (this.sending === 'open') this.write(kNothing, true, callback);
    else callback();
  }

  /** The application wants more. */
  read(): void {
    if (!this.#isReaderFull) return;
    this.#isReaderFull = false;
    this.#giveCredit();
  }

  /** RESET_STREAM. What waits to be written is dropped; its writer is told of `error`. */
  reset(code: bigint, error?: Error): void {
    if (this.sending !== 'open' && this.sending !== 'ended') return;
    this.sending = 'reset';
    this.#resetCode = code;
    this.link.reset(this, code);
    this.#acknowledged?.reject(this.#sendError());
    this.#releaseWriter(error);
  }

  /** RESET_STREAM by the application, or RESET_STREAM_AT for what is written so far. */
  resetBy(code: bigint, deliverWritten: boolean): void {
    if (!deliverWritten || (this.sending !== 'open' && this.sending !== 'ended')) {
      this.reset(code);
      return;
    }
    this.sending = 'reset';
    this.#resetCode = code;
    this.link.resetAt(this, code, this.#total);
    this.#acknowledged?.reject(this.#sendError());
    this.#releaseWriter();
  }

  /** STOP_SENDING. */
  stop(code: bigint): void {
    if (this.receiving !== 'open') return;
    this.receiving = 'stopped';
    this.link.stop(this, code);
  }

  /** A face was destroyed, by the application, by its own end, or by us. */
  onDestroy(face: Sender | Receiver, error: Error | null): void {
    const code = wireCodeOf(error);
    const isEarly = face === this.receiver && this.receiving === 'open';
    if (isEarly) this.stop(code);
    if (face !== this.sender) return;
    // Both halves at their natural end: FIN is on its way and shall arrive.
    if (this.sending === 'open' || (this.sending === 'ended' && (error !== null || isEarly))) this.reset(code, error ?? undefined);
    this.#releaseWriter(error ?? undefined);
  }

  /** The application will not use the stream any more: what it ended arrives, the rest is reset. */
  abandon(): void {
    if (this.sending === 'open' && this.sender?.writableEnded !== true) {
      this.sender?.destroy();
      this.receiver?.destroy();
    } else if (this.receiving === 'open') {
      if (this.sender !== this.receiver || this.sender === undefined) this.receiver?.destroy();
      else this.stopReading(0n);
    }
  }

  /** STOP_SENDING on a stream that lives on to write: whoever reads sees the end. */
  stopReading(code: bigint): void {
    if (this.receiving !== 'open') return;
    this.stop(code);
    const receiver = this.receiver as Readable;
    receiver.push(null);
    if (receiver.readableFlowing !== true && receiver.listenerCount('readable') === 0) receiver.resume();
  }

  // ---- what the peer does

  onData(bytes: Uint8Array, offset: number, length: number, isLast: boolean): void {
    const receiver = this.receiver;
    if (this.receiving !== 'open' || receiver === undefined) return;
    if (isLast) this.receiving = 'complete';
    if (length > 0) {
      this.#uncredited += length;
      const isRoom = receiver.push(Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, length));
      // A listener for 'data' may have destroyed the stream.
      if (!isRoom) this.#isReaderFull = true;
      else if (this.receiving === 'open') this.#giveCredit();
    }
    if (isLast) receiver.push(null);
  }

  onReset(code: bigint): void {
    if (this.receiving !== 'open') return;
    this.receiving = 'reset';
    if (this.receiver === undefined) return;
    const error = streamError('ERR_QUIC_STREAM_RESET', code, 'remote');
    if (this.link.deliversBeforeResets && this.receiver.readableLength > 0) this.#resetWhenRead = error;
    else this.#failFace(this.receiver, error);
  }

  /** Nothing that was received is left to read. */
  onEmptied(): void {
    const error = this.#resetWhenRead;
    if (error === undefined) return;
    this.#resetWhenRead = undefined;
    // After whoever reads has got the last of it.
    process.nextTick(() => this.#failFace(this.receiver as Receiver, error));
  }

  onStopped(code: bigint): void {
    if (this.sending !== 'open' && this.sending !== 'ended') return;
    this.#isStopped = true;
    // Everything is written and the peer wants no more of it: what it answers can still be read (RFC 9000 §3.5).
    if (this.sending === 'ended' || this.sender === undefined) this.reset(code);
    else this.#failFace(this.sender, streamError('ERR_QUIC_STREAM_STOPPED', code, 'remote'));
  }

  onWritable(): void {
    this.#written = 0;
    this.#releaseWriter();
  }

  onSendComplete(): void {
    if (this.sending !== 'ended') return;
    this.sending = 'acknowledged';
    this.#acknowledged?.resolve();
  }

  /** The native side has forgotten the stream. What was received can still be read. */
  onClosed(): void {
    this.#releaseWriter();
    if (this.sending !== 'open' && this.receiving !== 'open' && this.sending !== 'ended') return;
    const error = quicError('ERR_QUIC_INVALID_STATE', 'the stream is closed');
    this.#acknowledged?.reject(error);
    this.#failOpenFaces(error);
  }

  /** The connection is gone. Halves that have everything they were to have stay readable. */
  onConnectionLost(error: Error): void {
    if (this.sending !== 'acknowledged') this.#acknowledged?.reject(error);
    this.#failOpenFaces(error);
  }

  #sendError(): QuicError {
    if (this.#isStopped) return streamError('ERR_QUIC_STREAM_STOPPED', this.#resetCode, 'remote');
    return streamError('ERR_QUIC_STREAM_RESET', this.#resetCode, 'local');
  }

  #failOpenFaces(error: Error): void {
    const { sender, receiver } = this;
    const isSent = this.sending !== 'open' && this.#writing === undefined;
    const isReceived = this.receiving !== 'open';
    if (sender === receiver && sender !== undefined) {
      if (!isSent || !isReceived) this.#failFace(sender, error);
      return;
    }
    if (sender !== undefined && !isSent) this.#failFace(sender, error);
    if (receiver !== undefined && !isReceived) this.#failFace(receiver, error);
  }

  /**
   * A failure that comes from outside the process. It is kept in the stream for whoever reads, pipes or awaits it later,
   * and emitted to whoever listens; but no peer and no network may end the process because nobody listens.
   */
  #failFace(face: Sender | Receiver, error: Error): void {
    if (!this.isTaken) this.link.withdraw(this);
    if (face.listenerCount('error') === 0) face.on('error', ignore);
    face.destroy(error);
  }

  #maySend(callback: Callback): boolean {
    if (this.sending === 'open' && !this.link.isOver) return true;
    // After a reset there is nobody to write to, and the application knows.
    callback(this.sending === 'open' ? this.link.error : undefined);
    return false;
  }

  #afterWrite(length: number, isLast: boolean, callback: Callback): void {
    this.#isUsed = true;
    if (isLast) this.sending = 'ended';
    this.#written += length;
    this.#total += length;
    if (this.#written < kHighMark) callback();
    else this.#writing = callback;
  }

  #releaseWriter(error?: Error): void {
    const callback = this.#writing;
    if (callback === undefined) return;
    this.#writing = undefined;
    callback(error);
  }

  #giveCredit(): void {
    if (this.#uncredited < kCreditPiece || this.receiving !== 'open') return;
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    this.link.consume(this, bytes);
  }
}

const kNothing = Buffer.alloc(0);

/** The error of a call on a stream that cannot do it. */
export function notPossible(what: string): QuicError {
  return quicError('ERR_QUIC_INVALID_STATE', what);
}
