/** Questions to the native side that are answered later: each has a number, an answer, and the place where it was asked. */
import { Deferred } from './abort.js';
import { CallSite, closedError, quicError } from './errors.js';
import { type ClosedRecord } from './native.js';

interface Pending {
  readonly answer: Deferred<unknown>;
  readonly site: CallSite;
}

export class Requests {
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  /** `ask` is called with the number of the request; `call` is left out of the stack of an error. */
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  make<T>(ask: (request: number) => void, call: Function): Promise<T> {
    const request = this.#next++;
    ask(request);
    const answer = new Deferred<unknown>();
    this.#pending.set(request, { answer, site: new CallSite(call) });
    return answer.promise as Promise<T>;
  }

  resolve(request: number, value: unknown): void {
    this.#pending.get(request)?.answer.resolve(value);
    this.#pending.delete(request);
  }

  reject(request: number, record: ClosedRecord): void {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    pending?.answer.reject(pending.site.adopt(closedError(record)));
  }

  /** The connection is over. */
  fail(cause: Error): void {
    for (const { answer, site } of this.#pending.values()) {
      answer.reject(site.adopt(quicError('ERR_QUIC_CONNECTION_CLOSED', undefined, cause)));
    }
    this.#pending.clear();
  }
}
