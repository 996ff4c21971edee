/**
 * Datagrams of one connection (RFC 9221): small, unordered, sent once. What the reader does not take in time is dropped, the
 * oldest first; what the network loses is lost.
 */
import { types } from 'node:util';
import { invalidArgument, quicError } from './errors.js';
import { kDefaultUrgency, kUrgencies } from './priority.js';
import { callback, fields, integer } from './validate.js';

/**
 * What became of a datagram that was sent. A lost one may have arrived: only its acknowledgment is missing. One that `expired` was
 * never sent: its lifetime ended before.
 */
export type DatagramOutcome = 'acknowledged' | 'lost' | 'expired';
export interface DatagramSendOptions {
  /** When it is sent, beside streams and other datagrams: 0 (first) to 7. Default 3. */
  readonly urgency?: number;
  /** It waits at most so long to be sent, from 0 to 3 600 000 milliseconds. Default 0: for ever. */
  readonly lifetime?: number;
  /** Called once when it is known what became of it, and not at all when the connection ends before. */
  readonly settled?: (outcome: DatagramOutcome) => void;
}

/** Received datagrams, to whoever iterates, once each. Iterations end with the connection. */
export interface Datagrams extends AsyncIterable<Uint8Array> {
  /** The largest payload in bytes that can be sent now: 0 when the peer takes none. It changes with the path. */
  readonly maxSize: number;
  /**
   * Sends one datagram, now or as soon as congestion control allows. `false`: too many are waiting, and it is not sent.
   * A function is short for `{ settled }`. Throws ERR_QUIC_DATAGRAM_UNSUPPORTED when the peer takes none, and
   * ERR_QUIC_DATAGRAM_TOO_LARGE when it does not fit.
   */
  send(payload: Uint8Array, options?: DatagramSendOptions | ((outcome: DatagramOutcome) => void)): boolean;
  /** Received, and dropped because nobody read them. */
  readonly dropped: bigint;
}

/** Datagrams on their way down that have not left yet; more are not taken. */
const kMaxWaiting = 256;
const kDefaultBacklog = 256;

/** What datagrams want of their connection. */
export interface DatagramSender {
  readonly isOver: boolean;
  readonly error: Error;
  sendDatagram(datagram: number, payload: Uint8Array, isWatched: boolean, urgency: number, lifetime: number): void;
}

const checkSend = fields({ urgency: integer(0, kUrgencies - 1), lifetime: integer(0, 3_600_000), settled: callback });
const kPlain: DatagramSendOptions = {};
/** By word 7 of DatagramSettled. */
const outcomes: readonly DatagramOutcome[] = ['lost', 'acknowledged', 'expired'];

function sendOptions(options: DatagramSendOptions | ((outcome: DatagramOutcome) => void)): DatagramSendOptions {
  if (typeof options === 'function') return { settled: options };
  checkSend(options, 'options');
  return options;
}

export class LinkDatagrams implements Datagrams {
  readonly #sender: DatagramSender;
  readonly #backlog: number;
  readonly #settled = new Map<number, (outcome: DatagramOutcome) => void>();
  #received: Uint8Array[] = [];
  /** Of `#received`, taken already. */
  #head = 0;
  #takers: ((result: IteratorResult<Uint8Array, undefined>) => void)[] = [];
  #isEnded = false;
  #maxSize = 0;
  #sent = 0;
  #left = 0;
  #dropped = 0n;

  constructor(sender: DatagramSender, backlog = kDefaultBacklog) {
    this.#sender = sender;
    this.#backlog = backlog;
  }

  get maxSize(): number {
    return this.#maxSize;
  }
  get dropped(): bigint {
    return this.#dropped;
  }

  send(payload: Uint8Array, options: DatagramSendOptions | ((outcome: DatagramOutcome) => void) = kPlain): boolean {
    const { settled, urgency = kDefaultUrgency, lifetime = 0 } = options === kPlain ? kPlain : sendOptions(options);
    if (!types.isUint8Array(payload)) throw invalidArgument('a datagram is a Uint8Array');
    if (this.#sender.isOver) throw this.#sender.error;
    if (this.#maxSize === 0) throw quicError('ERR_QUIC_DATAGRAM_UNSUPPORTED');
    if (payload.byteLength > this.#maxSize) {
      throw quicError('ERR_QUIC_DATAGRAM_TOO_LARGE', `${payload.byteLength} bytes, ${this.#maxSize} fit`);
    }
    if (this.#sent - this.#left >= kMaxWaiting) return false;
    this.#sender.sendDatagram(this.#sent, payload, settled !== undefined, urgency, lifetime);
    if (settled !== undefined) this.#settled.set(this.#sent, settled);
    this.#sent++;
    return true;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    let isReturned = false;
    const end = { value: undefined, done: true } as const;
    const own = new Set<(result: IteratorResult<Uint8Array, undefined>) => void>();
    const iterator: AsyncIterableIterator<Uint8Array> = {
      next: () => {
        const datagram = isReturned ? undefined : this.#take();
        if (datagram !== undefined) return Promise.resolve({ value: datagram, done: false });
        if (this.#isEnded || isReturned) return Promise.resolve(end);
        return new Promise((resolve) => {
          own.add(resolve);
          this.#takers.push(resolve);
        });
      },
      return: () => {
        isReturned = true;
        this.#takers = this.#takers.filter((taker) => !own.has(taker));
        for (const resolve of own) resolve(end);
        return Promise.resolve(end);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #take(): Uint8Array | undefined {
    if (this.#head === this.#received.length) return undefined;
    const datagram = this.#received[this.#head++];
    if (this.#head === this.#received.length) {
      this.#received = [];
      this.#head = 0;
    } else if (this.#head > 2 * this.#backlog) {
      this.#received = this.#received.slice(this.#head);
      this.#head = 0;
    }
    return datagram;
  }

  // ---- from the link

  onReceived(datagram: Uint8Array): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker({ value: datagram, done: false });
      return;
    }
    this.#received.push(datagram);
    if (this.#received.length - this.#head <= this.#backlog) return;
    this.#take();
    this.#dropped++;
  }

  onLimit(maxSize: number): void {
    this.#maxSize = maxSize;
  }

  onLeft(more: number): void {
    this.#left += more;
  }

  onSettled(datagram: number, outcome: number): void {
    const settled = this.#settled.get(datagram);
    this.#settled.delete(datagram);
    settled?.(outcomes[outcome] ?? 'lost');
  }

  /** What was received is still given; then iterations end. */
  end(): void {
    this.#isEnded = true;
    this.#settled.clear();
    for (const taker of this.#takers.splice(0)) taker({ value: undefined, done: true });
  }
}
