/**
 * The streams that users hold: Node's own, plus three members. Each is a thin face of a Channel.
 *
 * A stream that fails because of the peer or the network never ends the process by an `'error'` that nobody listens to; the
 * error is kept, and whoever reads, pipes or awaits the stream later meets it. Errors of the application's own making
 * (`destroy(error)`, a write after the end) are emitted as everywhere in Node.
 */
import { Duplex, Readable, type ReadableOptions, Writable, type WritableOptions } from 'node:stream';
import { type Abortable } from './abort.js';
import { type Channel, notPossible } from './channel.js';
import { type QuicConnection } from './connection.js';
import { type ErrorCodeInput, toWireCode } from './errors.js';
import { type StreamPriority } from './priority.js';

export interface OpenStreamOptions extends Abortable {
  readonly priority?: StreamPriority;
}
export interface ResetOptions {
  /**
   * What was written so far still arrives, then the peer meets the reset (RESET_STREAM_AT), where both sides have
   * `extensions.reliableReset`; elsewhere the reset comes as it can. Default false.
   */
  readonly deliverWritten?: boolean;
}

export interface StreamIdentity {
  /** RFC 9000 §2.1: its two lowest bits say who opened it and whether it goes both ways. */
  readonly id: bigint;
  readonly connection: QuicConnection;
  readonly initiator: 'local' | 'remote';
}

type Callback = (error?: Error | null) => void;
interface Piece {
  readonly chunk: Buffer;
}

const writableOptions: WritableOptions = { highWaterMark: 256 * 1024 };
const readableOptions: ReadableOptions = { highWaterMark: 64 * 1024 };
const duplexOptions = { writableHighWaterMark: 256 * 1024, readableHighWaterMark: 64 * 1024 };

/** How connections make streams: users cannot. */
export let newQuicStream: (channel: Channel) => QuicStream;
export let newSendStream: (channel: Channel) => QuicSendStream;
export let newReceiveStream: (channel: Channel) => QuicReceiveStream;

/** Do these `length` bytes end the stream? Then FIN goes with them. */
function isLast(stream: Writable, isEnding: boolean, length: number): boolean {
  return (isEnding || stream.writableEnded) && stream.writableLength === length;
}

function isChunk(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'function';
}

function writePieces(channel: Channel, stream: Writable, pieces: readonly Piece[], callback: Callback): void {
  const chunks = pieces.map(({ chunk }) => chunk);
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  channel.writev(chunks, isLast(stream, false, length), callback);
}

/** Resolves when a face is closed, whatever its end was. */
function closed(face: Readable | Writable): Promise<void> {
  return face.closed ? Promise.resolve() : new Promise((resolve) => face.once('close', () => resolve()));
}

/**
 * A stream in both directions. `end()` is FIN; `destroy(error)` is RESET_STREAM and STOP_SENDING with the code of `error`
 * (0 without one). A Duplex fails as a whole: a reset from the peer, or its stop before `end()`, destroys it.
 */
export class QuicStream extends Duplex implements StreamIdentity {
  static {
    newQuicStream = (channel) => new QuicStream(channel);
  }
  readonly #channel: Channel;
  #isEnding = false;
  #isSplit = false;

  private constructor(channel: Channel) {
    super(duplexOptions);
    this.#channel = channel;
    channel.sender = this;
    channel.receiver = this;
  }

  get id(): bigint {
    return BigInt(this.#channel.id);
  }
  get connection(): QuicConnection {
    return this.#channel.link.connection;
  }
  get initiator(): 'local' | 'remote' {
    return this.#channel.initiator;
  }
  /** Resolves when the peer has acknowledged everything, FIN included. */
  get acknowledged(): Promise<void> {
    return this.#channel.acknowledged;
  }

  /** STOP_SENDING: no more reading, what is read now sees the end; writing goes on. */
  stopSending(code: ErrorCodeInput = 0n): void {
    this.#channel.stopReading(toWireCode(code));
  }

  /** RESET_STREAM: no more writing, what was written may be lost; reading goes on. */
  resetStream(code: ErrorCodeInput = 0n, options: ResetOptions = {}): void {
    this.#channel.resetBy(toWireCode(code), options.deliverWritten === true);
    this.end();
  }

  /** When this stream is sent, beside the others. */
  setPriority(priority: StreamPriority): void {
    this.#channel.link.prioritize(this.#channel, priority);
  }

  /**
   * Where the halves must live and die alone (an answer after STOP_SENDING), take them apart before the first read or
   * write. The stream itself is of no use afterwards.
   */
  split(): { readonly send: QuicSendStream; readonly receive: QuicReceiveStream } {
    if (this.#isSplit || this.destroyed || this.#channel.isUsed || this.writableEnded || this.writableLength > 0 || Readable.isDisturbed(this)) {
      throw notPossible('split() comes before the first read or write');
    }
    const isComplete = this.#channel.receiving === 'complete';
    this.#isSplit = true;
    const send = newSendStream(this.#channel);
    const receive = newReceiveStream(this.#channel);
    for (let chunk: unknown = this.read(); chunk !== null; chunk = this.read()) receive.push(chunk);
    if (isComplete) receive.push(null);
    super.destroy();
    return { send, receive };
  }

  override end(callback?: () => void): this;
  override end(chunk: unknown, callback?: () => void): this;
  override end(chunk: unknown, encoding?: BufferEncoding, callback?: () => void): this;
  override end(...args: readonly unknown[]): this {
    this.#isEnding = isChunk(args[0]);
    try {
      return super.end(...(args as [unknown]));
    } finally {
      this.#isEnding = false;
    }
  }

  /** Reading to the end leaves the writing half alone, so that an answer can follow; leaving the loop early destroys. */
  override [Symbol.asyncIterator](): ReturnType<Duplex['iterator']> {
    const chunks = this.iterator({ destroyOnReturn: false });
    const leave = chunks.return?.bind(chunks);
    chunks.return = (value?: unknown) => {
      this.destroy();
      return leave?.(value) ?? Promise.resolve({ value: undefined, done: true });
    };
    return chunks;
  }

  /** What was ended still arrives; a stream that was not is reset. */
  override async [Symbol.asyncDispose](): Promise<void> {
    if (!this.writableEnded || this.destroyed) this.destroy();
    else this.#channel.stopReading(0n);
    if (this.readableFlowing !== true) this.resume();
    await closed(this);
  }

  override read(size?: number): ReturnType<Readable['read']> {
    const chunk: unknown = super.read(size);
    if (this.readableLength === 0) this.#channel.onEmptied();
    return chunk;
  }
  override _read(): void {
    if (!this.#isSplit) this.#channel.read();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    if (this.#isSplit) callback(notPossible('the stream was split'));
    else this.#channel.write(chunk, isLast(this, this.#isEnding, chunk.byteLength), callback);
  }
  override _writev(pieces: readonly Piece[], callback: Callback): void {
    if (this.#isSplit) callback(notPossible('the stream was split'));
    else writePieces(this.#channel, this, pieces, callback);
  }
  override _final(callback: Callback): void {
    if (this.#isSplit) callback();
    else this.#channel.finish(callback);
  }
  override _destroy(error: Error | null, callback: Callback): void {
    if (!this.#isSplit) this.#channel.onDestroy(this, error);
    callback(error);
  }
}

/** A stream that we write and the peer reads. `end()` is FIN; `destroy(error)` is RESET_STREAM. */
export class QuicSendStream extends Writable implements StreamIdentity {
  static {
    newSendStream = (channel) => new QuicSendStream(channel);
  }
  readonly #channel: Channel;
  #isEnding = false;

  private constructor(channel: Channel) {
    super(writableOptions);
    this.#channel = channel;
    channel.sender = this;
  }

  get id(): bigint {
    return BigInt(this.#channel.id);
  }
  get connection(): QuicConnection {
    return this.#channel.link.connection;
  }
  get initiator(): 'local' | 'remote' {
    return this.#channel.initiator;
  }
  /** Resolves when the peer has acknowledged everything, FIN included. */
  get acknowledged(): Promise<void> {
    return this.#channel.acknowledged;
  }

  /** RESET_STREAM: no more writing, what was written may be lost. */
  resetStream(code: ErrorCodeInput = 0n, options: ResetOptions = {}): void {
    this.#channel.resetBy(toWireCode(code), options.deliverWritten === true);
    this.destroy();
  }

  /** When this stream is sent, beside the others. */
  setPriority(priority: StreamPriority): void {
    this.#channel.link.prioritize(this.#channel, priority);
  }

  override end(callback?: () => void): this;
  override end(chunk: unknown, callback?: () => void): this;
  override end(chunk: unknown, encoding?: BufferEncoding, callback?: () => void): this;
  override end(...args: readonly unknown[]): this {
    this.#isEnding = isChunk(args[0]);
    try {
      return super.end(...(args as [unknown]));
    } finally {
      this.#isEnding = false;
    }
  }

  /** What was ended still arrives; a stream that was not is reset. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.writableEnded) this.destroy();
    await closed(this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#channel.write(chunk, isLast(this, this.#isEnding, chunk.byteLength), callback);
  }
  override _writev(pieces: readonly Piece[], callback: Callback): void {
    writePieces(this.#channel, this, pieces, callback);
  }
  override _final(callback: Callback): void {
    this.#channel.finish(callback);
  }
  override _destroy(error: Error | null, callback: Callback): void {
    this.#channel.onDestroy(this, error);
    callback(error);
  }
}

/** A stream that the peer writes and we read. `destroy(error)` is STOP_SENDING. */
export class QuicReceiveStream extends Readable implements StreamIdentity {
  static {
    newReceiveStream = (channel) => new QuicReceiveStream(channel);
  }
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    super(readableOptions);
    this.#channel = channel;
    channel.receiver = this;
  }

  get id(): bigint {
    return BigInt(this.#channel.id);
  }
  get connection(): QuicConnection {
    return this.#channel.link.connection;
  }
  get initiator(): 'local' | 'remote' {
    return this.#channel.initiator;
  }

  /** STOP_SENDING: no more reading. Whoever reads now meets ERR_STREAM_PREMATURE_CLOSE. */
  stopSending(code: ErrorCodeInput = 0n): void {
    this.#channel.stop(toWireCode(code));
    this.destroy();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
    await closed(this);
  }

  override read(size?: number): ReturnType<Readable['read']> {
    const chunk: unknown = super.read(size);
    if (this.readableLength === 0) this.#channel.onEmptied();
    return chunk;
  }
  override _read(): void {
    this.#channel.read();
  }
  override _destroy(error: Error | null, callback: Callback): void {
    this.#channel.onDestroy(this, error);
    callback(error);
  }
}
