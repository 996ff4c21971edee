/**
 * A server's move, one at a time: prepare, relocate, complete. The counting is done natively; here are the promises and the
 * translation of plans and outcomes.
 */
import { Deferred, abortable, checkSignal } from './abort.js';
import { type Address, type HostAndPort, formatAddress, parseLiteral } from './address.js';
import { type QuicConnection } from './connection.js';
import { CallSite, type QuicError, closedError, fromThrown, invalidArgument, quicError } from './errors.js';
import { type Host } from './host.js';
import { type Link } from './link.js';
import {
  type ConnectionMigrationStatus,
  type MigrationOutcome,
  type MigrationPlan,
  type MigrationPlanner,
  type MigrationStatus,
  type MigrationStepOptions,
  type MoveStep,
  type ServerMigrationProtocol,
  migrationFailure,
  nativePlan,
  protocolsOf,
} from './migration.js';
import { type ClosedRecord, type MigrationRecord, type NativeListenOptions, type NativePlan, type OutcomeRecord, RecordKind } from './native.js';
import { fields, anything, integer } from './validate.js';

const kPrepareDeadline = 10_000;
const kCompletedDeadline = 30_000;

const stepFields = { signal: anything, deadline: integer(1, 86_400_000) };
const checkPrepare = fields(stepFields);
const checkCompleted = fields({ ...stepFields, address: anything });

/** How movers make the public object: users cannot. */
let newPreparedMigration: (mover: Mover, outcomes: readonly MigrationOutcome[]) => PreparedMigration;

/** The server may be relocated now. Handshakes stay frozen until `completed` or disposal. */
export class PreparedMigration implements AsyncDisposable {
  static {
    newPreparedMigration = (mover, outcomes) => new PreparedMigration(mover, outcomes);
  }
  readonly #mover: Mover;
  /** What became of each connection in this step. */
  readonly outcomes: readonly MigrationOutcome[];

  private constructor(mover: Mover, outcomes: readonly MigrationOutcome[]) {
    this.#mover = mover;
    this.outcomes = outcomes;
  }

  /**
   * Step 2: call it where the server came back up. With `address` the sockets are bound anew; without, they are kept (same
   * address, or moved underneath us). Resolves when each ready connection has migrated or closed, at the latest after
   * `deadline` (default 30 000 ms). Rejects when the address cannot be bound: the old one works on, and another may be tried.
   */
  completed(options: MigrationStepOptions & { readonly address?: Address } = {}): Promise<readonly MigrationOutcome[]> {
    return this.#mover.complete(this, options);
  }

  /** Not moved after all: accept handshakes again. What clients were told cannot be untold. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mover.dispose(this);
  }
}

type Step =
  | { readonly name: 'idle' }
  | { readonly name: 'preparing'; readonly answer: Deferred<PreparedMigration> }
  | { readonly name: 'prepared'; readonly move: PreparedMigration }
  | { readonly name: 'switching'; readonly move: PreparedMigration; readonly answer: Deferred<readonly MigrationOutcome[]> };

const kIdle: Step = { name: 'idle' };

/** A connection of the present move: an outcome may be about one that is over. */
interface Member {
  readonly link: Link;
  readonly planned: ServerMigrationProtocol | 'close';
  state: ConnectionMigrationStatus['state'];
  /** Why it cannot be moved. */
  failure?: QuicError;
}

const waits: Readonly<Partial<Record<Member['state'], ConnectionMigrationStatus['waitsFor']>>> = {
  announcing: 'acknowledgment',
  ready: 'relocation',
  switching: 'arrival',
};

function isSame(a: HostAndPort, b: HostAndPort): boolean {
  return a.host === b.host && a.port === b.port;
}

/** Who made the mover, and hears how far connections are, and the whole. */
export interface MoveObserver {
  onMemberStep(connection: QuicConnection, type: 'announcing' | 'switching', protocol: ServerMigrationProtocol): void;
  onMoveStep(step: MoveStep): void;
}

export class Mover {
  readonly #host: Host;
  readonly #protocols: ReadonlySet<ServerMigrationProtocol>;
  /** 'host:port', where the server is too, and stays. */
  readonly #preferred: ReadonlySet<string>;
  readonly #observer: MoveObserver;
  #step: Step = kIdle;
  #members = new Map<number, Member>();

  constructor(host: Host, { migrationProtocols, preferredAddresses = [] }: NativeListenOptions, observer: MoveObserver) {
    this.#host = host;
    this.#protocols = protocolsOf(migrationProtocols);
    this.#preferred = new Set(preferredAddresses);
    this.#observer = observer;
  }

  get status(): MigrationStatus {
    const connections = [...this.#members.values()].map(({ link, planned, state }) => ({
      connection: link.connection,
      protocol: planned === 'close' ? undefined : planned,
      state,
      waitsFor: waits[state],
    }));
    return { step: this.#step.name, connections };
  }

  async prepare(plan: MigrationPlan | MigrationPlanner, options: MigrationStepOptions = {}): Promise<PreparedMigration> {
    const site = new CallSite(this.prepare);
    checkPrepare(options, 'options');
    checkSignal(options.signal);
    if (this.#protocols.size === 0) throw quicError('ERR_QUIC_MIGRATION_DISABLED', 'give `serverMigration` to listen()');
    if (this.#step.name !== 'idle') throw quicError('ERR_QUIC_MIGRATION_IN_PROGRESS');
    const links = new Map<number, Link>();
    for (const link of this.#host.links) if (link.isOpen) links.set(link.number, link);
    const plans = this.#plans(plan, links);
    const answer = new Deferred<PreparedMigration>();
    this.#step = { name: 'preparing', answer };
    try {
      this.#host.native.prepareMigration(plans, options.deadline ?? kPrepareDeadline);
      this.#host.touch();
      this.#enlist(plans, links);
      return await abortable(answer.promise, options.signal, () => this.#cancel());
    } catch (error) {
      if (this.#step.name === 'preparing' && this.#step.answer === answer) this.#forget();
      if (options.signal?.aborted === true && error === options.signal.reason) throw error;
      throw site.adopt(fromThrown(error));
    }
  }

  async complete(move: PreparedMigration, options: MigrationStepOptions & { readonly address?: Address }): Promise<readonly MigrationOutcome[]> {
    const site = new CallSite(this.complete);
    checkCompleted(options, 'options');
    checkSignal(options.signal);
    const address = options.address === undefined ? undefined : parseLiteral(options.address, '`address`', 0);
    if (address !== undefined) this.#checkAddress(formatAddress(address));
    if (this.#step.name !== 'prepared' || this.#step.move !== move) {
      throw quicError('ERR_QUIC_MIGRATION_INVALID_STATE', 'this migration is not waiting for completed()');
    }
    const answer = new Deferred<readonly MigrationOutcome[]>();
    this.#step = { name: 'switching', move, answer };
    try {
      const before = this.#host.native.address();
      this.#host.native.networkSwitched(address, options.deadline ?? kCompletedDeadline);
      this.#host.touch();
      // A refusal of the kernel's is told by MigrationFailed; the address is another one only when there was none.
      if (address === undefined || isSame(address, before) || !isSame(this.#host.native.address(), before)) this.#onSwitched();
      return await abortable(answer.promise, options.signal, () => this.#cancel());
    } catch (error) {
      if (options.signal?.aborted === true && error === options.signal.reason) throw error;
      // The sockets are what they were: another address may be tried.
      if (this.#step.name === 'switching' && this.#step.answer === answer) this.#step = { name: 'prepared', move };
      throw site.adopt(fromThrown(error, address === undefined ? undefined : formatAddress(address)));
    }
  }

  async dispose(move: PreparedMigration): Promise<void> {
    const step = this.#step;
    if (step.name === 'prepared' && step.move === move) this.#cancel();
    if (step.name === 'switching' && step.move === move) await step.answer.promise.catch(() => undefined);
  }

  // ---- facts

  /** MigrationPrepared, MigrationCompleted or MigrationFailed. */
  onRecord(kind: number, json: unknown): void {
    const step = this.#step;
    if (kind === RecordKind.MigrationPrepared && step.name === 'preparing') {
      const outcomes = this.#outcomes(json as readonly OutcomeRecord[]);
      const move = newPreparedMigration(this, outcomes);
      this.#step = { name: 'prepared', move };
      this.#observer.onMoveStep({ step: 'prepared', outcomes });
      step.answer.resolve(move);
    } else if (kind === RecordKind.MigrationCompleted && step.name === 'switching') {
      const outcomes = this.#outcomes(json as readonly OutcomeRecord[]);
      this.#forget();
      this.#observer.onMoveStep({ step: 'completed', outcomes });
      step.answer.resolve(outcomes);
    } else if (kind === RecordKind.MigrationFailed && (step.name === 'switching' || step.name === 'preparing')) {
      this.#onFailed(step, closedError(json as ClosedRecord));
    }
  }

  /** What a connection tells of its part. */
  onConnectionRecord({ number }: Link, { type, error }: MigrationRecord): void {
    const member = this.#members.get(number);
    if (member === undefined) return;
    if (type === 'failed') {
      member.state = 'excluded';
      member.failure = migrationFailure(error);
    } else if (type === 'completed') {
      member.state = 'migrated';
    } else if (type === 'ready' && member.state === 'announcing') {
      member.state = 'ready';
    }
  }

  onConnectionOver({ number }: Link): void {
    const member = this.#members.get(number);
    if (member !== undefined && member.state !== 'migrated') member.state = 'closed';
  }

  /** The server is gone. */
  onClosed(): void {
    const step = this.#step;
    this.#forget();
    if (step.name === 'preparing' || step.name === 'switching') step.answer.reject(quicError('ERR_QUIC_SERVER_CLOSED'));
  }

  /** The sockets are bound anew. */
  #onSwitched(): void {
    this.#observer.onMoveStep({ step: 'switching' });
    for (const member of this.#members.values()) {
      if (member.state !== 'ready' || member.planned === 'close') continue;
      member.state = 'switching';
      this.#observer.onMemberStep(member.link.connection, 'switching', member.planned);
    }
  }

  #onFailed(step: Exclude<Step, { readonly name: 'idle' | 'prepared' }>, error: QuicError): void {
    if (step.name === 'switching') this.#step = { name: 'prepared', move: step.move };
    else this.#forget();
    this.#observer.onMoveStep({ step: 'failed', error });
    step.answer.reject(error);
  }

  // ---- plans and outcomes

  #plans(plan: MigrationPlan | MigrationPlanner, links: ReadonlyMap<number, Link>): NativePlan[] {
    if (typeof plan !== 'function') return [this.#checked(nativePlan(plan, 0))];
    return [...links.values()].map((link) => this.#checked(nativePlan(plan(link.connection), link.number)));
  }

  #checked(plan: NativePlan): NativePlan {
    if (plan.protocol !== 'close' && !this.#protocols.has(plan.protocol)) {
      throw quicError('ERR_QUIC_MIGRATION_NOT_NEGOTIATED', `'${plan.protocol}' is not among this server's protocols`);
    }
    if (plan.address !== undefined) this.#checkAddress(plan.address);
    return plan;
  }

  #checkAddress(address: string): void {
    if (this.#preferred.has(address)) throw invalidArgument(`the server cannot move to ${address}, its preferred address: it is there already`);
  }

  #enlist(plans: readonly NativePlan[], links: ReadonlyMap<number, Link>): void {
    const planned = new Map(plans.map(({ connection, protocol }) => [connection, protocol]));
    this.#members = new Map();
    for (const [number, link] of links) {
      const protocol = planned.get(number) ?? planned.get(0) ?? 'close';
      this.#members.set(number, { link, planned: protocol, state: protocol === 'close' ? 'excluded' : 'announcing' });
    }
    this.#observer.onMoveStep({ step: 'preparing' });
    for (const { link, planned: protocol } of [...this.#members.values()]) {
      if (protocol !== 'close') this.#observer.onMemberStep(link.connection, 'announcing', protocol);
    }
  }

  #outcomes(records: readonly OutcomeRecord[]): readonly MigrationOutcome[] {
    return records.flatMap((record) => {
      const member = this.#members.get(record.connection);
      return member === undefined ? [] : [this.#outcome(record, member)];
    });
  }

  #outcome({ status, protocol, reason }: OutcomeRecord, member: Member): MigrationOutcome {
    if (reason !== undefined) member.failure ??= migrationFailure(reason);
    const { connection } = member.link;
    member.state = status === 'pending' ? 'late' : status;
    if (status === 'ready' || status === 'migrated') {
      return { connection, status, protocol: protocol ?? (member.planned as ServerMigrationProtocol) };
    }
    return { connection, status, error: this.#outcomeError(status, member) };
  }

  #outcomeError(status: 'closed' | 'excluded' | 'pending', { link, planned, failure }: Member): QuicError {
    if (status === 'pending') return quicError('ERR_QUIC_MIGRATION_DEADLINE');
    if (status === 'excluded' && planned === 'close') return quicError('ERR_QUIC_MIGRATED', 'the plan leaves it out');
    if (status === 'excluded' && !(link.serverMigration?.protocols.has(planned as ServerMigrationProtocol) ?? false)) {
      return quicError('ERR_QUIC_MIGRATION_NOT_NEGOTIATED', planned);
    }
    if (status === 'excluded' && failure !== undefined) return failure;
    return link.isOver ? quicError('ERR_QUIC_MIGRATED', undefined, link.error) : quicError('ERR_QUIC_MIGRATED');
  }

  #cancel(): void {
    this.#forget();
    if (this.#host.isClosed) return;
    this.#host.native.cancelMigration();
    this.#host.touch();
    this.#observer.onMoveStep({ step: 'cancelled' });
  }

  #forget(): void {
    this.#step = kIdle;
    this.#members = new Map();
  }
}
