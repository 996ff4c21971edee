/**
 * Streams that we open: how many the peer allows, which id comes next, and who waits for one. Ids are spent here, without
 * asking the native side; it hears of them in order, with the first command on each.
 */
import { type Abortable, Deferred, abortable, checkSignal } from './abort.js';
import { CallSite } from './errors.js';

/** RFC 9000 §2.1: the two lowest bits of a stream's id. */
export const kInitiatedByServer = 1;
export const kUnidirectional = 2;

interface Waiter {
  readonly id: Deferred<number>;
  readonly site: CallSite;
}

class Kind {
  allowed = 0;
  spent = 0;
  announced = 0;
  readonly waiters = new Set<Waiter>();
  readonly type: number;

  constructor(type: number) {
    this.type = type;
  }
  next(): number {
    return this.spent++ * 4 + this.type;
  }
}

export class StreamOpener {
  readonly #bidirectional: Kind;
  readonly #unidirectional: Kind;

  constructor(side: 'client' | 'server') {
    const type = side === 'server' ? kInitiatedByServer : 0;
    this.#bidirectional = new Kind(type);
    this.#unidirectional = new Kind(type | kUnidirectional);
  }

  #kind(isUnidirectional: boolean): Kind {
    return isUnidirectional ? this.#unidirectional : this.#bidirectional;
  }

  /** The peer allows `count` streams in all. */
  allow(isUnidirectional: boolean, count: number): void {
    const kind = this.#kind(isUnidirectional);
    kind.allowed = Math.max(kind.allowed, count); // RFC 9000 §19.11: a smaller one is old
    for (const waiter of kind.waiters) {
      if (kind.spent >= kind.allowed) return;
      kind.waiters.delete(waiter);
      waiter.id.resolve(kind.next());
    }
  }

  /** An id that can be used now, if there is one. */
  tryOpen(isUnidirectional: boolean): number | undefined {
    const kind = this.#kind(isUnidirectional);
    return kind.spent < kind.allowed && kind.waiters.size === 0 ? kind.next() : undefined;
  }

  /** An id as soon as the peer allows one. */
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  wait(isUnidirectional: boolean, { signal }: Abortable, call: Function): Promise<number> {
    checkSignal(signal);
    const { waiters } = this.#kind(isUnidirectional);
    const waiter: Waiter = { id: new Deferred(), site: new CallSite(call) };
    waiters.add(waiter);
    return abortable(waiter.id.promise, signal, () => waiters.delete(waiter));
  }

  /** Tells of each id up to and including `id` that was not told of yet. */
  announce(id: number, tell: (id: number) => void): void {
    const kind = this.#kind((id & kUnidirectional) !== 0);
    const index = (id - kind.type) / 4;
    while (kind.announced <= index) tell(kind.announced++ * 4 + kind.type);
  }

  /** No stream any more. `error` makes one for each that waits. */
  fail(error: () => Error): void {
    for (const { waiters } of [this.#bidirectional, this.#unidirectional]) {
      for (const waiter of waiters) waiter.id.reject(waiter.site.adopt(error()));
      waiters.clear();
    }
  }
}
