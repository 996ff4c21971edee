// A small link between a client and a server on this machine, in user space: it forwards UDP datagrams, and can lose, delay,
// reorder, double, corrupt and hold them back, at random from a seed; it can be a NAT that forgets its bindings; and it notes
// what goes by. One front socket for clients, one upstream socket for each client.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { packetsIn } from './packets.mjs';

const kBufferSize = 4 * 1024 * 1024;
/** How long a datagram that is reordered stays behind the others. */
const kReorderDelayMs = 3;

/** Small, seeded, good enough (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One direction: what happens to each datagram. */
class Direction {
  #condition;
  #random;
  #deliver;
  #freeAt = 0;
  #sent = 0;
  #timers = new Set();
  isBlackhole = false;
  lost = 0;

  constructor(condition, seed, deliver) {
    this.#condition = condition;
    this.#random = randomFrom(seed);
    this.#deliver = deliver;
  }
  #happens(probability = 0) {
    return probability > 0 && this.#random() < probability;
  }
  send(datagram) {
    const { loss, duplicate, corrupt, drop } = this.#condition;
    this.#sent++;
    if (this.isBlackhole || this.#happens(loss) || drop?.includes(this.#sent)) {
      this.lost++;
      return;
    }
    let bytes = datagram;
    if (this.#happens(corrupt)) {
      bytes = Buffer.from(datagram);
      bytes[Math.floor(this.#random() * bytes.length)] ^= 1 << Math.floor(this.#random() * 8);
    }
    this.#later(bytes);
    if (this.#happens(duplicate)) this.#later(bytes);
  }
  #later(bytes) {
    const { delayMs = 0, rate = 0, queueMs = 100, reorder } = this.#condition;
    const now = performance.now();
    let wait = delayMs;
    if (rate > 0) {
      this.#freeAt = Math.max(this.#freeAt, now);
      if (this.#freeAt - now > queueMs) {
        this.lost++;
        return;
      }
      this.#freeAt += (bytes.length / rate) * 1000;
      wait += this.#freeAt - now;
    }
    if (this.#happens(reorder)) wait += kReorderDelayMs;
    if (wait < 0.5) {
      this.#deliver(bytes);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#deliver(bytes);
    }, wait);
    this.#timers.add(timer);
  }
  close() {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

async function bind(family, address) {
  const socket = dgram.createSocket({ type: family, recvBufferSize: kBufferSize, sendBufferSize: kBufferSize });
  socket.on('error', () => undefined); // ICMP: the server is gone; the case will tell
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

export class Link {
  #target;
  #condition;
  #seed;
  #family;
  #front;
  #flows = new Map();
  #sockets = new Set();
  #source;
  #waiting = [];
  /** What was seen, by direction. */
  seen = { fromClient: {}, fromServer: {}, versions: new Set(), connections: new Set(), bytesFromServer: 0, bytesFromClient: 0, amplification: 0 };
  /** 1-RTT packets in order, when asked to record. */
  recording = { fromClient: [], fromServer: [], idLengths: { client: 0, server: 0 } };
  #isRecording;

  constructor({ target, condition = {}, seed = 1, record = false }) {
    this.#target = target;
    this.#condition = condition;
    this.#seed = seed;
    this.#isRecording = record;
    this.#family = target.host.includes(':') ? 'udp6' : 'udp4';
    this.#source = this.#family === 'udp6' ? '::1' : '127.0.0.1';
  }

  /**
   * `condition`: loss, duplicate, corrupt, reorder (probabilities), delayMs, rate (bytes a second), queueMs; dropFromClient: which
   * of a client's datagrams get lost, from 1.
   */
  static async open(options) {
    const link = new Link(options);
    link.#front = await bind(link.#family, link.#source);
    link.#front.on('message', (bytes, { address, port }) => link.#onClient(bytes, address, port));
    return link;
  }

  get port() {
    return this.#front.address().port;
  }
  get lost() {
    return [...this.#flows.values()].reduce((sum, { up, down }) => sum + up.lost + down.lost, 0);
  }
  get clients() {
    return this.#flows.size;
  }

  /** From now on the server sees clients at another port, and at another address when one is given. */
  async rebind(source) {
    this.#source = source ?? this.#source;
    await Promise.all([...this.#flows.values()].map((flow) => this.#bindFlow(flow)));
  }

  /** Loses everything, or no more. */
  set isBlackhole(value) {
    for (const { up, down } of this.#flows.values()) {
      up.isBlackhole = value;
      down.isBlackhole = value;
    }
  }

  /** Resolves when so many bytes came from the server. */
  async untilFromServer(bytes) {
    if (this.seen.bytesFromServer < bytes) await new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  close() {
    for (const { up, down } of this.#flows.values()) {
      up.close();
      down.close();
    }
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
    this.#front.close();
  }

  #onClient(bytes, address, port) {
    const key = `${address}:${port}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      flow = this.#newFlow(address, port);
      this.#flows.set(key, flow);
    }
    this.seen.bytesFromClient += bytes.length;
    this.#note(bytes, 'fromClient', key);
    flow.up.send(bytes);
  }

  #newFlow(address, port) {
    const flow = { socket: undefined, waiting: [], bytesUp: 0, bytesDown: 0, isProven: false };
    const seed = this.#seed + this.#flows.size * 2;
    flow.up = new Direction({ ...this.#condition, drop: this.#condition.dropFromClient }, seed, (bytes) => this.#toServer(flow, bytes));
    flow.down = new Direction(this.#condition, seed + 1, (bytes) => this.#front.send(bytes, port, address));
    this.#bindFlow(flow).then(() => flow.waiting.splice(0).forEach((bytes) => this.#toServer(flow, bytes)));
    return flow;
  }

  #toServer(flow, bytes) {
    if (flow.socket === undefined) flow.waiting.push(bytes);
    else this.#sendUp(flow, bytes);
  }

  /** A Handshake packet proves a client's address (RFC 9000 §8.1). */
  #sendUp(flow, bytes) {
    flow.bytesUp += bytes.length;
    flow.isProven ||= packetsIn(bytes).some(({ type }) => type === 'handshake');
    flow.socket.send(bytes, this.#target.port, this.#target.host);
  }

  async #bindFlow(flow) {
    const socket = await bind(this.#family, this.#source);
    const old = flow.socket;
    this.#sockets.add(socket);
    flow.socket = socket;
    socket.on('message', (bytes) => {
      this.seen.bytesFromServer += bytes.length;
      flow.bytesDown += bytes.length;
      if (!flow.isProven) this.seen.amplification = Math.max(this.seen.amplification, flow.bytesDown / flow.bytesUp);
      this.#note(bytes, 'fromServer');
      flow.down.send(bytes);
      this.#wake();
    });
    // The old binding swallows what comes: a NAT that has forgotten it sends no ICMP either.
    old?.removeAllListeners('message');
  }

  #wake() {
    const ready = this.#waiting.filter(({ bytes }) => this.seen.bytesFromServer >= bytes);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one));
    for (const { resolve } of ready) resolve();
  }

  #note(datagram, direction, client) {
    const counts = this.seen[direction];
    for (const packet of packetsIn(datagram)) {
      counts[packet.type] = (counts[packet.type] ?? 0) + 1;
      if (packet.type === 'oneRtt' && this.#isRecording) this.recording[direction].push(Buffer.from(packet.bytes.subarray(0, 48)));
      if (packet.version !== undefined && packet.version !== 0) this.seen.versions.add(packet.version);
      if (packet.type === 'handshake' && direction === 'fromClient') this.seen.connections.add(`${client} ${packet.scid.toString('hex')}`);
      if (packet.type === 'handshake') this.recording.idLengths[direction === 'fromClient' ? 'client' : 'server'] = packet.scid.length;
    }
  }
}
