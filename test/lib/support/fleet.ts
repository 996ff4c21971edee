/** Clients in processes of their own, as test/lib/real/programs/fleet.mjs has them, and the server's end of their exchanges. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { type ClientMigrationOptions, type QuicConnection, type QuicServer, QuicStream, type SocketAddress } from '../../../lib/index.js';
import { file } from './real.js';

const kFrame = 4096;
const program = path.join(__dirname, '../real/programs/fleet.mjs');

export type Way = ClientMigrationOptions & { readonly localAddress?: string };
export interface Exchanged {
  readonly frames: number;
  readonly isUpEqual: boolean;
  readonly isDownEqual: boolean;
  readonly peer: SocketAddress;
  readonly events: readonly string[];
  readonly migrations: { readonly completed: number; readonly downtime: number };
}

/** One process. */
export class Crew {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { readonly resolve: (value: any) => void; readonly reject: (error: Error) => void }>();
  #lastId = 0;

  constructor() {
    this.#child = fork(program, { env: { ...process.env, TEST_CA: file('ca.pem') } });
    this.#child.on('message', ({ id, value, error }: any) => {
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (error === undefined) asked?.resolve(value);
      else asked?.reject(new Error(error));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#asked.values()) reject(new Error('the process is gone'));
    });
  }

  connect(address: SocketAddress, ways: readonly Way[]): Promise<number> {
    return this.#ask('connect', { address, ways });
  }
  /** Resolves when every client has got so many frames more, with where each then talks to. */
  more(frames: number): Promise<readonly SocketAddress[]> {
    return this.#ask('more', frames);
  }
  stop(): Promise<readonly Exchanged[]> {
    return this.#ask('stop');
  }
  /** SIGSTOP: it is there, and says nothing. SIGCONT: it goes on. SIGKILL: it is gone, and nobody is told. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = this.#child.exitCode !== null || this.#child.signalCode !== null ? undefined : once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  #ask(name: string, argument?: unknown): Promise<any> {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#child.send({ id, name, argument });
    return answer;
  }
}

/** Several processes as one. */
export class Fleet {
  readonly crews: readonly Crew[];

  constructor(processes: number) {
    this.crews = Array.from({ length: processes }, () => new Crew());
  }
  /** Each process has a client for each of `ways`, which are called with the number of the process. */
  async connect(address: SocketAddress, ways: (crew: number) => readonly Way[]): Promise<void> {
    await Promise.all(this.crews.map((crew, index) => crew.connect(address, ways(index))));
  }
  async more(frames: number): Promise<readonly SocketAddress[]> {
    return (await Promise.all(this.crews.map((crew) => crew.more(frames)))).flat();
  }
  async stop(): Promise<readonly Exchanged[]> {
    return (await Promise.all(this.crews.map((crew) => crew.stop()))).flat();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.crews.map((crew) => crew[Symbol.asyncDispose]()));
  }
}

async function answer(stream: QuicStream): Promise<void> {
  const received = createHash('sha256');
  const sent = createHash('sha256');
  let bytes = 0;
  let frames = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    received.update(chunk);
    bytes += chunk.length;
    for (; (frames + 1) * kFrame <= bytes; frames++) {
      const frame = randomBytes(kFrame);
      sent.update(frame);
      stream.write(frame);
    }
  }
  stream.end(Buffer.concat([received.digest(), sent.digest()]));
}

/** Answers exchanges. */
export function exchanges(server: QuicServer): void {
  server.on('connection', (connection: QuicConnection) => {
    connection.on('stream', (stream) => {
      if (stream instanceof QuicStream) answer(stream).catch(() => undefined);
    });
  });
}
