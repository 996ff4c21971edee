/**
 * A server's move, one at a time: prepare, relocate, complete. The counting is done natively; here are the promises and the
 * translation of plans and outcomes.
 */
import { Deferred, abortable, checkSignal } from './abort.js';
import { type Address, formatAddress, parseLiteral } from './address.js';
import { type QuicConnection } from './connection.js';
import { CallSite, type QuicError, closedError, fromThrown, quicError } from './errors.js';
import { type Host } from './host.js';
import { type Link } from './link.js';
import { type MigrationOutcome, type MigrationPlan, type MigrationPlanner, type MigrationStepOptions, type ServerMigrationProtocol, nativePlan, protocolsOf } from './migration.js';
import { type ClosedRecord, type NativePlan, type OutcomeRecord, RecordKind } from './native.js';
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

export class Mover {
  readonly #host: Host;
  readonly #protocols: ReadonlySet<ServerMigrationProtocol>;
  #step: Step = kIdle;
  /** Links of this move by number: an outcome may be about one that is over. */
  #links = new Map<number, Link>();
  #planned = new Map<number, ServerMigrationProtocol>();

  constructor(host: Host, mask: number) {
    this.#host = host;
    this.#protocols = protocolsOf(mask);
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
    this.#links = links;
    this.#planned = new Map(plans.map(({ connection, protocol }) => [connection, protocol as ServerMigrationProtocol]));
    const answer = new Deferred<PreparedMigration>();
    this.#step = { name: 'preparing', answer };
    try {
      this.#host.native.prepareMigration(plans, options.deadline ?? kPrepareDeadline);
      this.#host.touch();
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
    if (this.#step.name !== 'prepared' || this.#step.move !== move) {
      throw quicError('ERR_QUIC_MIGRATION_INVALID_STATE', 'this migration is not waiting for completed()');
    }
    const answer = new Deferred<readonly MigrationOutcome[]>();
    this.#step = { name: 'switching', move, answer };
    try {
      this.#host.native.networkSwitched(address, options.deadline ?? kCompletedDeadline);
      this.#host.touch();
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

  /** MigrationPrepared, MigrationCompleted or MigrationFailed. */
  onRecord(kind: number, json: unknown): void {
    const step = this.#step;
    if (kind === RecordKind.MigrationPrepared && step.name === 'preparing') {
      const move = newPreparedMigration(this, this.#outcomes(json as readonly OutcomeRecord[]));
      this.#step = { name: 'prepared', move };
      step.answer.resolve(move);
    } else if (kind === RecordKind.MigrationCompleted && step.name === 'switching') {
      step.answer.resolve(this.#outcomes(json as readonly OutcomeRecord[]));
      this.#forget();
    } else if (kind === RecordKind.MigrationFailed && step.name === 'switching') {
      this.#step = { name: 'prepared', move: step.move };
      step.answer.reject(closedError(json as ClosedRecord));
    } else if (kind === RecordKind.MigrationFailed && step.name === 'preparing') {
      this.#forget();
      step.answer.reject(closedError(json as ClosedRecord));
    }
  }

  /** The server is gone. */
  onClosed(): void {
    const step = this.#step;
    this.#forget();
    if (step.name === 'preparing' || step.name === 'switching') step.answer.reject(quicError('ERR_QUIC_SERVER_CLOSED'));
  }

  #plans(plan: MigrationPlan | MigrationPlanner, links: ReadonlyMap<number, Link>): NativePlan[] {
    if (typeof plan !== 'function') return [this.#checked(nativePlan(plan, 0))];
    return [...links.values()].map((link) => this.#checked(nativePlan(plan(link.connection), link.number)));
  }

  #checked(plan: NativePlan): NativePlan {
    if (plan.protocol !== 'close' && !this.#protocols.has(plan.protocol)) {
      throw quicError('ERR_QUIC_MIGRATION_NOT_NEGOTIATED', `'${plan.protocol}' is not among this server's protocols`);
    }
    return plan;
  }

  #outcomes(records: readonly OutcomeRecord[]): readonly MigrationOutcome[] {
    return records.flatMap((record) => {
      const link = this.#links.get(record.connection);
      return link === undefined ? [] : [this.#outcome(record, link)];
    });
  }

  #outcome({ status, protocol, connection: number }: OutcomeRecord, link: Link): MigrationOutcome {
    const { connection } = link;
    const planned = protocol ?? this.#planned.get(number) ?? this.#planned.get(0) ?? 'explicit';
    if (status === 'ready' || status === 'migrated') return { connection, status, protocol: planned };
    return { connection, status, error: this.#outcomeError(status, connection, link, planned) };
  }

  #outcomeError(status: 'closed' | 'excluded' | 'pending', connection: QuicConnection, link: Link, planned: ServerMigrationProtocol): QuicError {
    if (status === 'pending') return quicError('ERR_QUIC_MIGRATION_DEADLINE');
    const hasNegotiated = connection.serverMigration?.protocols.has(planned) === true;
    if (status === 'excluded' && !hasNegotiated) return quicError('ERR_QUIC_MIGRATION_NOT_NEGOTIATED', planned);
    return link.isOver ? quicError('ERR_QUIC_MIGRATED', undefined, link.error) : quicError('ERR_QUIC_MIGRATED');
  }

  #cancel(): void {
    this.#forget();
    if (this.#host.isClosed) return;
    this.#host.native.cancelMigration();
    this.#host.touch();
  }

  #forget(): void {
    this.#step = kIdle;
    this.#links = new Map();
    this.#planned = new Map();
  }
}
