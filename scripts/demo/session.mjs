// A client's connection to the demonstration's server. One that cannot follow a moving server gets another in its place: it
// looks for the server at the hosts where it may be, as a client would that asks for its name again.
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../lib/remote.mjs';

const kAttemptPatience = 1_000;
const kPause = 10;
const kPatience = 15_000;

export class Session {
  /** When the server closed a connection, and when there was another: { lostAt, reconnectedAt }. */
  reconnects = [];
  /** How often work was done again. */
  repetitions = 0;
  #connect;
  #hosts;
  #mayReconnect;
  #hear;
  #current;
  #isClosed = false;
  #waiting = [];

  /**
   * `connect(host, options)` makes a connection. `hear` is told of what happens: `onReconnected(ms, reason)`, and `onLost(error)`,
   * after which there is no connection any more.
   */
  constructor({ connect, hosts, mayReconnect, hear }) {
    this.#connect = connect;
    this.#hosts = hosts;
    this.#mayReconnect = mayReconnect;
    this.#hear = hear;
  }

  async open() {
    this.#adopt(await this.#connect(this.#hosts[0]));
  }

  /** `work(connection)`; when the server leaves the connection behind meanwhile, again on the next one. */
  async use(work) {
    for (;;) {
      const current = this.#current;
      try {
        return await work(await current);
      } catch (error) {
        // The end of the connection is told in the same turn as the end of its streams.
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#current === current) throw error;
        this.repetitions++;
      }
    }
  }

  /** Resolves when there is a connection in the place of the `count`th that was lost; at once when none is ever replaced. */
  async reconnected(count) {
    if (!this.#mayReconnect) return;
    while (this.reconnects.length < count) await new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close() {
    this.#isClosed = true;
    await (await this.#current).close();
  }

  destroy() {
    this.#isClosed = true;
    this.#current?.then((connection) => connection.destroy(), () => undefined);
  }

  #adopt(connection) {
    this.#current = Promise.resolve(connection);
    connection.closed.then(
      () => this.#onEnd(new Error('the server closed the connection')),
      (error) => this.#onEnd(error),
    );
  }

  #onEnd(error) {
    if (this.#isClosed) return;
    const isLeftBehind = this.#mayReconnect && error.code === 'ERR_QUIC_REFUSED';
    if (!isLeftBehind) {
      this.#hear.onLost(error);
      return;
    }
    const lostAt = now();
    this.#current = this.#search().then((connection) => {
      this.#adopt(connection);
      this.reconnects.push({ lostAt, reconnectedAt: now() });
      this.#hear.onReconnected(now() - lostAt, error.reason);
      for (const resolve of this.#waiting.splice(0)) resolve();
      return connection;
    });
    this.#current.catch((failure) => this.#hear.onLost(failure));
  }

  /** While the others move new connections are refused. */
  async #search() {
    const giveUpAt = now() + kPatience;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#connect(this.#hosts[attempt % this.#hosts.length], { signal: AbortSignal.timeout(kAttemptPatience) });
      } catch (error) {
        if (this.#isClosed || now() > giveUpAt) throw error;
      }
      await delay(kPause);
    }
  }
}
