// Child processes of the matrix: each in a group of its own, ended by its id, with its output kept.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StepFailed } from '../lib/run.mjs';

const pollMs = 10;
const startLimitMs = 20_000;
const politeMs = 2_000;
const maxOutput = 4 * 1024 * 1024;

export class Child {
  #process;
  output = '';
  /** Resolves with { code, signal } when the program has ended and its output is read. */
  ended;
  isOver = false;

  constructor({ command, args = [], env = {}, cwd }) {
    this.#process = spawn(command, args, { env: { ...process.env, ...env }, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const take = (chunk) => {
      if (this.output.length < maxOutput) this.output += chunk;
    };
    this.#process.stdout.on('data', take);
    this.#process.stderr.on('data', take);
    this.ended = new Promise((resolve) => {
      const end = (code, signal) => {
        this.isOver = true;
        resolve({ code, signal });
      };
      this.#process.once('error', (error) => {
        this.output += `${error.message}\n`;
        end(126, null);
      });
      this.#process.once('close', end);
    });
  }

  /** The facts it told: JSON objects, one a line. */
  get facts() {
    const facts = [];
    for (const line of this.output.split('\n')) {
      if (!line.startsWith('{')) continue;
      try {
        facts.push(JSON.parse(line));
      } catch {
        // A line that only looks like one.
      }
    }
    return facts;
  }

  /** Resolves with how it ended, or with { timedOut: true } after having ended it. */
  async endWithin(limitMs) {
    const over = new AbortController();
    const timeout = sleep(limitMs, { timedOut: true }, { signal: over.signal }).catch(() => undefined);
    const end = await Promise.race([this.ended, timeout]);
    over.abort();
    if (end.timedOut) await this.stop('SIGKILL');
    return end;
  }

  /** Ends it and its children. */
  async stop(signal = 'SIGTERM') {
    if (this.#process.pid === undefined) return;
    this.#kill(signal);
    const over = new AbortController();
    const impatience = sleep(politeMs, undefined, { signal: over.signal }).then(() => this.#kill('SIGKILL'), () => undefined);
    await this.ended;
    over.abort();
    await impatience;
    this.#kill('SIGKILL'); // what it left behind in its group
  }

  #kill(signal) {
    try {
      process.kill(-this.#process.pid, signal);
    } catch {
      // Nobody is left.
    }
  }
}

/** Is a UDP socket bound to this port? */
function isBound(port) {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return ['/proc/net/udp', '/proc/net/udp6'].some((file) => readFileSync(file, 'latin1').split('\n').some((line) => line.slice(0, 60).includes(wanted)));
}

/** Resolves when the server has bound its port. */
export async function untilBound(child, port) {
  for (const deadline = Date.now() + startLimitMs; Date.now() < deadline; await sleep(pollMs)) {
    if (isBound(port)) return;
    if (child.isOver) break;
  }
  throw new StepFailed(`the server did not start:\n${child.output}`);
}
