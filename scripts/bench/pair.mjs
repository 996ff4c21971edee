// A subject at work: its server and its client, each in a process of its own.
import { fileURLToPath } from 'node:url';
import { Remote } from '../lib/remote.mjs';

/** A step that takes longer has failed. */
const kPatience = 30_000;

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

export class Pair {
  #subject;
  #server;
  #client;

  constructor(subject) {
    this.#subject = subject;
    const execArgv = ['--expose-gc'];
    this.#server = new Remote(program('server.mjs'), { name: `server of ${subject.name}`, execArgv });
    this.#client = new Remote(program('client.mjs'), { name: `client of ${subject.name}`, execArgv });
  }

  async start({ cert, key, ca }) {
    const port = await this.#server.ask('listen', { subject: this.#subject, tls: { cert, key } });
    await this.#client.ask('target', { subject: this.#subject, port, ca });
  }

  /** Runs a test once and returns its figures, in their order. */
  async run({ figures, ...test }) {
    const hasMemory = test.load === 'idle';
    await this.#client.ask('prepare', test, { timeoutMs: kPatience });
    const memoryBefore = hasMemory ? await this.#server.ask('memory') : 0;
    const before = await this.#server.ask('cpu');
    const measured = await this.#client.ask('measure', undefined, { timeoutMs: kPatience });
    const server = (await this.#server.ask('cpu')) - before;
    const serverGrowth = hasMemory ? (await this.#server.ask('memory')) - memoryBefore : 0;
    await this.#client.ask('tidy');
    return figures.map(({ of }) => of({ ...measured, server, serverGrowth }));
  }

  async end() {
    const ended = await Promise.all([this.#client.end(), this.#server.end()]);
    if (ended.includes(false)) throw new Error(`a process of ${this.#subject.name} did not end by itself`);
  }

  async kill() {
    await Promise.all([this.#client.kill(), this.#server.kill()]);
  }
}
