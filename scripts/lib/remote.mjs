// A program in a process of its own, called over Node's IPC channel: both ends. The parent asks and gets answers; the child
// may also notify, unasked. A child ends by itself when the channel is closed and its work is released.
import { fork } from 'node:child_process';

const kOutputKept = 4000;
const kOrphanGraceMs = 3000;

/** Milliseconds on a clock that all processes of this machine share. */
export function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What is worth telling another process about an error. */
function describe(error) {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = error.code === undefined ? '' : `${error.code}: `;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return { message: `${code}${error.message}${cause}`, stack: error.stack };
}

// ---- the child's end ---------------------------------------------------------------------------------------------------

/** Tells the parent something. */
export function notify(notice) {
  if (process.connected) process.send({ notice });
}

/** The child cannot go on. */
export function fail(error) {
  if (process.connected) process.send({ failure: describe(error) });
}

/** Answers what the parent asks: `commands` are functions by name, async or not. `release` is called when the parent is gone. */
export function answer(commands, release = () => undefined) {
  process.on('message', async ({ id, name, argument }) => {
    try {
      const value = await commands[name](argument);
      process.send({ id, value });
    } catch (error) {
      if (process.connected) process.send({ id, failure: describe(error) });
    }
  });
  process.on('disconnect', () => {
    setTimeout(() => process.exit(3), kOrphanGraceMs).unref();
    release();
  });
}

// ---- the parent's end --------------------------------------------------------------------------------------------------

/** An error of another process. Its message says which. */
export class RemoteError extends Error {
  constructor(name, { message, stack }) {
    super(`${name}: ${message}`);
    this.remoteStack = stack;
  }
}

export class Remote {
  #child;
  #asked = new Map();
  #lastId = 0;
  #output = '';
  #failure;
  #ended;

  /** `onNotice(notice, name)` and `onFailure(error)` are told of what the child says unasked. */
  constructor(file, { name, execArgv = [], onNotice = () => undefined, onFailure = () => undefined }) {
    this.name = name;
    this.#child = fork(file, [], { execArgv, serialization: 'advanced', stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#output = (this.#output + text).slice(-kOutputKept)));
    this.#child.on('message', (message) => {
      if ('notice' in message) onNotice(message.notice, name);
      else if (message.id === undefined) onFailure(this.#fail(message.failure));
      else this.#settle(message);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve({ error }));
      // Not 'close': it does not come when this end has closed the channel.
      this.#child.on('exit', (code, signal) => setImmediate(resolve, { code, signal }));
    });
    this.#ended.then((how) => {
      if (this.#asked.size > 0 || how.code !== 0) onFailure(this.#fail({ message: this.#epitaph(how) }));
    });
  }

  /** What the child wrote to its standard error, the end of it. */
  get output() {
    return this.#output;
  }

  /** Resolves with the answer of the command `name`. */
  ask(name, argument, { timeoutMs = 60_000 } = {}) {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const late = () => this.#settle({ id, failure: { message: `no answer to '${name}' in ${timeoutMs} ms` } });
      this.#asked.set(id, { resolve, reject, timer: setTimeout(late, timeoutMs) });
      this.#child.send({ id, name, argument }, (error) => {
        if (error) this.#settle({ id, failure: { message: `cannot be asked for '${name}': ${error.message}` } });
      });
    });
  }

  /** Closes the channel and waits for the child to end by itself. Resolves with false when it had to be killed. */
  async end({ graceMs = 5000 } = {}) {
    if (this.#child.connected) this.#child.disconnect();
    return this.#waitOrKill(graceMs);
  }

  /** For when something failed: no waiting. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #waitOrKill(graceMs) {
    let timer;
    const isLate = await Promise.race([
      this.#ended.then(() => false),
      new Promise((resolve) => (timer = setTimeout(resolve, graceMs, true))),
    ]);
    clearTimeout(timer);
    if (isLate) await this.kill();
    return !isLate;
  }

  #epitaph({ code, signal, error }) {
    if (error) return error.message;
    const end = signal ? `ended by ${signal}` : `exited with ${code}`;
    return this.#output === '' ? end : `${end}\n${this.#output.trimEnd()}`;
  }

  #settle({ id, value, failure }) {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (failure) asked.reject(new RemoteError(this.name, failure));
    else asked.resolve(value);
  }

  #fail(failure) {
    this.#failure ??= new RemoteError(this.name, failure);
    for (const id of [...this.#asked.keys()]) this.#settle({ id, failure });
    return this.#failure;
  }
}
