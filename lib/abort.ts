/** The one way in which a signal ends something that is awaited. */
import { invalidArgument } from './errors.js';

/** Most verbs that return a promise take a signal. An abort rejects with `signal.reason`. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (typeof signal !== 'object' || typeof signal.addEventListener !== 'function') {
    throw invalidArgument('`signal` must be an AbortSignal');
  }
  signal.throwIfAborted();
}

/**
 * `promise`, or a rejection with the signal's reason if that comes first; then `onAbort` is called. Nothing stays attached
 * to the signal afterwards.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, onAbort: () => void): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
      onAbort();
    };
    if (signal.aborted) {
      abort();
      promise.catch(() => undefined);
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** A promise and its two ends. A rejection that nobody looks at is no unhandled one. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}
