// Plays one scenario: starts the server and the clients in processes of their own, lets the clients work, moves the server
// in their midst, and returns everything that was observed. What it is worth is judged in evaluate.mjs.
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Remote, RemoteError } from '../lib/remote.mjs';
import { StepFailed } from '../lib/run.mjs';
import { behaviour, hostsOf, protocolsOf, requestInterval } from './scenarios.mjs';
import { Timeline } from './timeline.mjs';

const kDeadline = 60_000;
const kTail = 300;
const kPoll = 10;

const program = (name) => fileURLToPath(new URL(name, import.meta.url));

class Stage {
  timeline;
  server;
  clients;
  /** When each client had followed a move. */
  completions = [];
  #scenario;
  #progress = new Map();
  #isOver = false;
  #failed;
  #fail;

  constructor(scenario) {
    this.#scenario = scenario;
    this.#failed = new Promise((_, reject) => (this.#fail = reject));
    this.#failed.catch(() => undefined);
    this.timeline = new Timeline(['server', ...scenario.clients.map(({ name }) => name)]);
    const hear = { onNotice: (notice, name) => this.#hear(notice, name), onFailure: (error) => this.#fail(error) };
    this.server = new Remote(program('server.mjs'), { name: 'server', ...hear });
    this.clients = scenario.clients.map(({ name }) => new Remote(program('client.mjs'), { name, ...hear }));
  }

  get all() {
    return [this.server, ...this.clients];
  }

  /** Runs `work`, but no longer than the deadline, and not on when a process fails. */
  async bounded(work) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new StepFailed(`not finished after ${kDeadline / 1000} s`)), kDeadline);
    });
    try {
      return await Promise.race([work(), this.#failed, late]);
    } finally {
      clearTimeout(timer);
      this.#isOver = true;
    }
  }

  async play(work) {
    const { server } = this;
    const scenario = this.#scenario;
    const hosts = hostsOf(scenario);
    const address = await server.ask('listen', { hosts, protocols: protocolsOf(scenario), pool: scenario.pool, tls: work.tls, file: work.file, workers: work.workers });
    await this.#everyClient((client, { name, protocol, explicitProbing }) => {
      const migration = protocol && { protocols: [protocol], ...(explicitProbing && { explicitProbing }) };
      return client.ask('connect', { name, hosts, port: address.port, ca: work.ca, migration });
    });
    const transfers = this.#everyClient((client) => client.ask('transfer', { file: work.file, rate: work.rate, interval: requestInterval }));
    transfers.catch((error) => this.#fail(error));
    const moves = [];
    for (const move of scenario.moves) moves.push(await this.#move(move, moves.length + 1));
    await Promise.all(this.all.map((remote) => remote.ask('release')));
    const transferred = await transfers;
    await delay(kTail);
    const finished = await this.#everyClient((client) => client.ask('finish'));
    return { port: address.port, moves, transferred, finished, served: await server.ask('finish') };
  }

  /** Closes every process's channel. Returns the names of those that did not end by themselves. */
  async end() {
    const ended = await Promise.all(this.all.map((remote) => remote.end()));
    return this.all.filter((_, index) => !ended[index]).map(({ name }) => name);
  }

  async kill() {
    await Promise.all(this.all.map((remote) => remote.kill()));
  }

  /** What is known when something went wrong. */
  diagnosis() {
    const lines = this.clients.map(({ name }) => {
      const { share = 0, up = 0, down = 0 } = this.#progress.get(name) ?? {};
      return `${name}: ${(share * 100).toFixed(0)} % of its work done, ${up} bytes written, ${down} bytes received`;
    });
    for (const { name, output } of this.all) if (output !== '') lines.push(`${name} wrote: ${output.trimEnd()}`);
    return lines.join('\n');
  }

  async #move({ to, at }, count) {
    const slowest = () => Math.min(...this.clients.map(({ name }) => this.#progress.get(name)?.share ?? 0));
    while (slowest() < at && !this.#isOver) await delay(kPoll);
    const move = await this.server.ask('move', { to });
    const peers = await this.#everyClient((client) => client.ask('peer', { moves: count }));
    return { ...move, peers };
  }

  #everyClient(work) {
    return Promise.all(this.clients.map((client, index) => work(client, this.#scenario.clients[index])));
  }

  #hear(notice, name) {
    if (notice.type === 'progress') this.#progress.set(name, notice);
    else this.timeline.add(name, notice);
    if (notice.hasFollowed) this.completions.push({ name, at: notice.at });
  }
}

/** Plays `scenario` and returns what was observed. Times are those of now(); the timeline's own are since its beginning. */
export async function play(scenario, work) {
  for (const client of scenario.clients) console.log(`           ${client.name} follows by ${behaviour(client)}`);
  const stage = new Stage(scenario);
  try {
    const observed = await stage.bounded(() => stage.play(work));
    const stubborn = await stage.end();
    stage.timeline.close();
    return { ...observed, stubborn, completions: stage.completions, timeline: stage.timeline };
  } catch (error) {
    stage.timeline.close();
    const diagnosis = stage.diagnosis();
    await stage.kill();
    const what = error instanceof RemoteError || error instanceof StepFailed ? error.message : error.stack;
    throw new StepFailed([`✘ ${what}`, error.remoteStack, '', diagnosis].filter((line) => line !== undefined).join('\n'));
  }
}
