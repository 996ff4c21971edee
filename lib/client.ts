/**
 * The verb `connect`, and the hosts behind it: one for each kind of thread, made on first use, kept for the life of the
 * environment, and holding the process alive only while there are connections.
 */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { Deferred, abortable, checkSignal } from './abort.js';
import { type Address } from './address.js';
import { type QuicConnection } from './connection.js';
import { CallSite, type QuicError, fromThrown, quicError } from './errors.js';
import { Host, type HostOwner } from './host.js';
import { Link, type LinkOwner } from './link.js';
import { type NativeConnectOptions, type NativeModule } from './native.js';
import { type ConnectRequest, connectRequest, maxIncoming } from './option-checks.js';
import { type ConnectOptions, type QlogSink } from './options.js';

/** Numbers of connections are never used twice in a process: they are part of names. */
let lastNumber = 0;

/** A host of clients, and what belongs to it. */
class ClientHost implements HostOwner, LinkOwner {
  readonly #host: Host;
  readonly #attempts = new Map<Link, Deferred<QuicConnection>>();
  readonly #keylogs = new Map<number, (line: string) => void>();
  readonly #qlogs = new Map<number, QlogSink>();

  constructor(module: NativeModule, threaded: boolean) {
    this.#host = new Host(module, 'client', threaded, this);
    this.#host.native.unref();
  }

  /** Starts an attempt: a promise of its end, and a way to give it up. */
  start(options: NativeConnectOptions, { keylog, qlog, datagramBacklog }: ConnectRequest): { readonly opened: Promise<QuicConnection>; readonly cancel: () => void } {
    const number = ++lastNumber;
    this.#host.native.connect(number, options);
    const identity = {
      number, side: 'client', name: `client-${number}`, maxIncoming: maxIncoming(options), datagramBacklog,
      deliversBeforeResets: options.reliableReset === true,
    } as const;
    const link = new Link(this.#host, identity, this);
    const attempt = new Deferred<QuicConnection>();
    this.#attempts.set(link, attempt);
    if (keylog !== undefined) this.#keylogs.set(number, keylog);
    if (qlog !== undefined) this.#qlogs.set(number, qlog);
    if (this.#host.linkCount === 1) this.#host.native.ref();
    this.#host.touch();
    return { opened: attempt.promise, cancel: () => link.destroy() };
  }

  onLinkOpened(link: Link): void {
    this.#attempts.get(link)?.resolve(link.connection);
    this.#attempts.delete(link);
  }
  onLinkOver(link: Link, error: QuicError | undefined): void {
    this.#attempts.get(link)?.reject(error ?? link.error);
    this.#attempts.delete(link);
    this.#keylogs.delete(link.number);
    this.#qlogs.delete(link.number);
    if (this.#host.linkCount === 0 && !this.#host.isClosed) this.#host.native.unref();
  }
  onKeyLog(connection: number, line: string): void {
    this.#keylogs.get(connection)?.(line);
  }
  onQlog(connection: number, records: string): void {
    this.#qlogs.get(connection)?.(records);
  }
  /** The environment ends. */
  onHostClosed(): void {
    for (const link of [...this.#host.links]) link.onHostClosed();
  }
  onConnection(): void {
    // Nobody connects to a client.
  }
  onRefused(): void {
    // A connection that was forgotten already.
  }
  onMove(): void {
    // Servers move.
  }
}

async function resolveName({ host, localHost, signal }: ConnectRequest): Promise<string> {
  if (isIP(host) !== 0) return host;
  const family = localHost === undefined ? 0 : isIPv6(localHost) ? 6 : 4;
  const found = lookup(host, { family }).catch((cause: unknown) => {
    throw quicError('ERR_QUIC_NAME_NOT_RESOLVED', host, cause);
  });
  const { address } = await abortable(found, signal, () => undefined);
  return address;
}

export class Client {
  readonly #load: () => NativeModule;
  readonly #hosts = new Map<boolean, ClientHost>();

  constructor(load: () => NativeModule) {
    this.#load = load;
  }

  async connect(address: Address, options: ConnectOptions): Promise<QuicConnection> {
    const site = new CallSite(this.connect);
    const request = connectRequest(address, options);
    const { native, port, signal } = request;
    checkSignal(signal);
    try {
      const host = await resolveName(request);
      signal?.throwIfAborted();
      const { opened, cancel } = this.#host(request.threaded).start({ ...native, host, port }, request);
      return await abortable(opened, signal, cancel);
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) throw error;
      throw site.adopt(fromThrown(error));
    }
  }

  #host(threaded: boolean): ClientHost {
    let host = this.#hosts.get(threaded);
    if (host === undefined) {
      host = new ClientHost(this.#load(), threaded);
      this.#hosts.set(threaded, host);
    }
    return host;
  }
}
