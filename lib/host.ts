/**
 * One native host and its way up and down: commands of one tick leave together, records are given to the link they are
 * for. It knows no protocol and holds nothing of a connection but its link.
 */
import { type ClosedRecord, type NativeModule, type NativeQuic, type OpenedRecord, RECORD_WORDS, RecordKind } from './native.js';
import { type Link } from './link.js';

/** Who made the host: the client of this environment, or a server. */
export interface HostOwner {
  /** A connection that a peer started, its handshake finished, or not yet where early data came. */
  onConnection(number: number, record: OpenedRecord, isEarly: boolean): void;
  /** An attempt of a peer's that came to nothing. */
  onRefused(record: ClosedRecord): void;
  /** MigrationPrepared, MigrationCompleted or MigrationFailed, with its JSON. */
  onMove(kind: number, json: unknown): void;
  onKeyLog(connection: number, line: string): void;
  onQlog(connection: number, records: string): void;
  /** Nothing more comes of it, known to the application or not. */
  onConnectionGone?(connection: number): void;
  /** Nothing comes any more. */
  onHostClosed(): void;
}

const kTwo32 = 4_294_967_296;

/** Words `index` and `index + 1`, low first, as a number: connections and stream ids stay below 2^53. */
export function numberAt(words: Uint32Array, index: number): number {
  return (words[index] as number) + (words[index + 1] as number) * kTwo32;
}

function jsonOf(words: Uint32Array, base: number, bytes: Uint8Array): unknown {
  return JSON.parse(textOf(words, base, bytes));
}

/** A copy: the bytes of a batch are kept alive as a whole by whoever keeps a part. */
function bytesOf(words: Uint32Array, base: number, bytes: Uint8Array): Uint8Array {
  const offset = words[base + 5] as number;
  return bytes.slice(offset, offset + (words[base + 6] as number));
}

function textOf(words: Uint32Array, base: number, bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + (words[base + 5] as number), words[base + 6] as number).toString('utf8');
}

/** What a listener of the application's throws must neither be lost nor take the rest of a batch with it. */
function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** All that there are in this environment. */
const hosts = new Set<Host>();

/** The process stood still: see `thaw` in index.ts. */
export function thawAll(frozenFor: number): void {
  for (const host of hosts) host.native.thaw(frozenFor);
}

export class Host {
  readonly native: NativeQuic;
  readonly #owner: HostOwner;
  readonly #links = new Map<number, Link>();
  /** Records come in runs of the same connection. */
  #lastLink: Link | undefined;
  /** Limits on streams, bidirectional and unidirectional, of connections whose handshake is not finished. */
  readonly #early = new Map<number, [number, number]>();
  #isFlushPlanned = false;
  #isClosed = false;

  constructor(module: NativeModule, role: 'client' | 'server', threaded: boolean, owner: HostOwner) {
    this.#owner = owner;
    this.native = new module.NativeQuic(role, threaded, (words, records, bytes) => this.#onBatch(words, records, bytes));
    hosts.add(this);
  }

  get links(): IterableIterator<Link> {
    return this.#links.values();
  }
  get linkCount(): number {
    return this.#links.size;
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(link: Link): void {
    this.#links.set(link.number, link);
  }
  remove(link: Link): void {
    this.#links.delete(link.number);
    if (this.#lastLink === link) this.#lastLink = undefined;
  }

  /**
   * To be called after each command. The flush comes when the ticks and promise reactions of this turn have run, so that
   * everything they command shares packets and one wake. This is the only place that decides when.
   */
  touch(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    process.nextTick(this.#afterTicks);
  }

  /** The last command. HostClosed answers. */
  close(): void {
    if (!this.#isClosed) this.native.close();
  }

  readonly #afterTicks = (): void => queueMicrotask(this.#flush);
  readonly #flush = (): void => {
    this.#isFlushPlanned = false;
    if (!this.#isClosed) this.native.flush();
  };

  #onBatch(words: Uint32Array, records: number, bytes: Uint8Array): void {
    let next = 0;
    while (next < records) {
      try {
        while (next < records) this.#onRecord(words, next++ * RECORD_WORDS, bytes);
      } catch (error) {
        throwLater(error);
      }
    }
    this.#lastLink = undefined;
  }

  #onRecord(words: Uint32Array, base: number, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const number = numberAt(words, base + 1);
    let link = this.#lastLink;
    if (link?.number !== number) {
      link = this.#links.get(number);
      this.#lastLink = link;
    }
    const kind = words[base] as number;
    if (kind >= RecordKind.StreamOpened && kind <= RecordKind.StreamClosed) link?.onStreamRecord(words, base, bytes);
    else if (kind === RecordKind.StreamsAvailable) this.#onStreamsAvailable(link, number, words[base + 7] === 1, numberAt(words, base + 3));
    else this.#onRareRecord(link, words, base, bytes);
  }

  #onStreamsAvailable(link: Link | undefined, number: number, isUnidirectional: boolean, count: number): void {
    if (link !== undefined) {
      link.onStreamsAvailable(isUnidirectional, count);
      return;
    }
    const limits = this.#early.get(number) ?? [0, 0];
    limits[isUnidirectional ? 1 : 0] = count;
    this.#early.set(number, limits);
  }

  /** A connection that a peer started. */
  #onConnection(number: number, record: OpenedRecord, isEarly: boolean): void {
    const [bidirectional, unidirectional] = this.#early.get(number) ?? [0, 0];
    this.#early.delete(number);
    this.#owner.onConnection(number, record, isEarly);
    const link = this.#links.get(number);
    link?.onStreamsAvailable(false, bidirectional);
    link?.onStreamsAvailable(true, unidirectional);
  }

  #onRareRecord(link: Link | undefined, words: Uint32Array, base: number, bytes: Uint8Array): void {
    const kind = words[base] as RecordKind;
    switch (kind) {
      case RecordKind.ConnectionOpened: {
        const record = jsonOf(words, base, bytes) as OpenedRecord;
        if (link === undefined) this.#onConnection(numberAt(words, base + 1), record, false);
        else link.onOpened(record);
        return;
      }
      case RecordKind.EarlyDataReady: {
        const record = jsonOf(words, base, bytes) as OpenedRecord;
        if (link === undefined) this.#onConnection(numberAt(words, base + 1), record, true);
        else link.onEarlyDataReady(record);
        return;
      }
      case RecordKind.ConnectionClosed: {
        const record = jsonOf(words, base, bytes) as ClosedRecord;
        this.#early.delete(numberAt(words, base + 1));
        if (link === undefined) this.#owner.onRefused(record);
        else link.onClosed(record);
        this.#owner.onConnectionGone?.(numberAt(words, base + 1));
        return;
      }
      case RecordKind.KeyLog:
        this.#owner.onKeyLog(numberAt(words, base + 1), textOf(words, base, bytes));
        return;
      case RecordKind.MigrationPrepared:
      case RecordKind.MigrationCompleted:
      case RecordKind.MigrationFailed:
        this.#owner.onMove(kind, jsonOf(words, base, bytes));
        return;
      case RecordKind.PathChanged:
      case RecordKind.Migration:
      case RecordKind.Stats:
        link?.onFact(kind, jsonOf(words, base, bytes), words[base + 7] as number);
        return;
      case RecordKind.Qlog:
        this.#owner.onQlog(numberAt(words, base + 1), textOf(words, base, bytes));
        return;
      case RecordKind.HostClosed:
        this.#isClosed = true;
        hosts.delete(this);
        this.#owner.onHostClosed();
        return;
      default:
        if (link !== undefined) onLinkRecord(link, kind, words, base, bytes);
    }
  }
}

/** What only the link of a connection wants, and only sometimes. */
function onLinkRecord(link: Link, kind: RecordKind, words: Uint32Array, base: number, bytes: Uint8Array): void {
  switch (kind) {
    case RecordKind.DatagramReceived:
      link.datagrams.onReceived(bytesOf(words, base, bytes));
      return;
    case RecordKind.DatagramSettled:
      link.datagrams.onSettled(numberAt(words, base + 3), words[base + 7] as number);
      return;
    case RecordKind.DatagramLimit:
      link.datagrams.onLimit(words[base + 3] as number);
      return;
    case RecordKind.DatagramsLeft:
      link.datagrams.onLeft(numberAt(words, base + 3));
      return;
    case RecordKind.SessionTicket:
    case RecordKind.AddressToken:
      link.onSessionPart(kind, bytesOf(words, base, bytes));
      return;
    case RecordKind.Answer:
      link.onAnswer(words[base + 7] as number, words[base + 3] === 1, bytesOf(words, base, bytes));
      return;
    default: // facts that nothing here wants: HandshakeConfirmed
  }
}
