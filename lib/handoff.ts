/**
 * Things that come from the network and wait for whoever iterates. Each is given once, in order. Not taking them is
 * back-pressure: whoever offers looks at `size`.
 */
interface Taker<T> {
  readonly iterator: object;
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
}

export class Handoff<T> {
  readonly #onTaken: (item: T) => void;
  readonly #waiting = new Set<T>();
  #takers: Taker<T>[] = [];
  #isEnded = false;

  /** `onTaken` is told of each item just before the application gets it. */
  constructor(onTaken: (item: T) => void) {
    this.#onTaken = onTaken;
  }

  get size(): number {
    return this.#waiting.size;
  }

  offer(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.add(item);
      return;
    }
    this.#onTaken(item);
    taker.resolve({ value: item, done: false });
  }

  /** The item is worth nothing any more: nobody shall get it. */
  withdraw(item: T): void {
    this.#waiting.delete(item);
  }

  /** The next item, if there is one. */
  take(): T | undefined {
    for (const item of this.#waiting) {
      this.#waiting.delete(item);
      this.#onTaken(item);
      return item;
    }
    return undefined;
  }

  /** Nothing more will be offered. What waits is still given; then iterations end. */
  end(): void {
    this.#isEnded = true;
    for (const { resolve } of this.#takers.splice(0)) resolve({ value: undefined, done: true });
  }

  /** Everything that waits, which nobody shall get. */
  clear(): T[] {
    const items = [...this.#waiting];
    this.#waiting.clear();
    return items;
  }

  iterate(): AsyncIterableIterator<T> {
    const next = (): Promise<IteratorResult<T, undefined>> => {
      const item = this.take();
      if (item !== undefined) return Promise.resolve({ value: item, done: false });
      if (this.#isEnded || isReturned) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve) => this.#takers.push({ iterator, resolve }));
    };
    const end = (): Promise<IteratorResult<T, undefined>> => {
      isReturned = true;
      const own = this.#takers.filter((taker) => taker.iterator === iterator);
      this.#takers = this.#takers.filter((taker) => taker.iterator !== iterator);
      for (const { resolve } of own) resolve({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    };
    let isReturned = false;
    const iterator: AsyncIterableIterator<T> = { next, return: end, [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }
}
