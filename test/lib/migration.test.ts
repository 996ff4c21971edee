// Moves of a server on a native side without a network.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type QuicServer, type ServerMigrationEvent } from '../../lib/index.js';
import { type OutcomeRecord, RecordKind } from '../../lib/native.js';
import { type FakeNative } from './support/FakeNative.js';
import { accept, closedRecord, openServer, rejection } from './support/fixtures.js';

const movable = { serverMigration: { protocols: ['explicit', 'symmetric'] } } as const;
const explicit = { protocol: 'explicit', address: '127.0.0.2:4433' } as const;

async function movableServer(): Promise<{ server: QuicServer; native: FakeNative }> {
  const { server, native } = await openServer(movable);
  accept(native, 1, 1);
  accept(native, 2, 4);
  native.forget();
  return { server, native };
}
const prepared = (...records: readonly OutcomeRecord[]) => ({ kind: RecordKind.MigrationPrepared, json: records });
const completed = (...records: readonly OutcomeRecord[]) => ({ kind: RecordKind.MigrationCompleted, json: records });

describe('prepareMigration', () => {
  test('of all alike is one plan; outcomes say what became of each', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    expect(native.calls('prepareMigration')).toEqual([[[{ connection: 0, protocol: 'explicit', address: '127.0.0.2:4433' }], 10_000]]);
    native.say(prepared({ connection: 1, status: 'ready', protocol: 'explicit' }, { connection: 2, status: 'excluded' }, { connection: 99, status: 'ready' }));
    const { outcomes } = await moving;
    const [first, second] = [...server.connections];
    expect(outcomes).toEqual([
      { connection: first, status: 'ready', protocol: 'explicit' },
      { connection: second, status: 'excluded', error: expect.objectContaining({ code: 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED' }) },
    ]);
  });

  test('by a planner is a plan for each connection', async () => {
    const { server, native } = await movableServer();
    void server.prepareMigration(({ serverMigration }) => (serverMigration?.protocols.has('explicit') === true ? explicit : 'close'), { deadline: 5 });
    expect(native.calls('prepareMigration')).toEqual([[[{ connection: 1, protocol: 'explicit', address: '127.0.0.2:4433' }, { connection: 2, protocol: 'close' }], 5]]);
  });

  test('with a planner that throws rejects with that, and sends nothing', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(() => {
      throw new RangeError('mine');
    });
    expect(await rejection(moving)).toMatchObject({ message: 'mine' });
    expect(native.names).toEqual([]);
  });

  test.each([
    [{ protocol: 'pool-of-addresses' }, 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED'],
    [{ protocol: 'explicit' }, 'ERR_QUIC_INVALID_ARGUMENT'],
    [{ protocol: 'explicit', address: 'localhost:1' }, 'ERR_QUIC_INVALID_ARGUMENT'],
    [{ protocol: 'symmetric', address: '127.0.0.1:1' }, 'ERR_QUIC_INVALID_ARGUMENT'],
    [{ protocol: 'teleport' }, 'ERR_QUIC_INVALID_ARGUMENT'],
    [undefined, 'ERR_QUIC_INVALID_ARGUMENT'],
  ])('of %p rejects as %s, and sends nothing', async (plan, code) => {
    const { server, native } = await movableServer();
    expect(await rejection(server.prepareMigration(plan as never))).toMatchObject({ code });
    expect(await rejection(server.prepareMigration(() => plan as never))).toMatchObject({ code });
    expect(native.names).toEqual([]);
  });

  test('is not for a server without the option, nor for one that is closed', async () => {
    const { server, native } = await openServer();
    expect(await rejection(server.prepareMigration({ protocol: 'symmetric' }))).toMatchObject({ code: 'ERR_QUIC_MIGRATION_DISABLED' });
    void server.close();
    native.say({ kind: RecordKind.HostClosed });
    expect(await rejection(server.prepareMigration({ protocol: 'symmetric' }))).toMatchObject({ code: 'ERR_QUIC_SERVER_CLOSED' });
  });

  test('is for one at a time', async () => {
    const { server } = await movableServer();
    void server.prepareMigration(explicit);
    expect(await rejection(server.prepareMigration(explicit))).toMatchObject({ code: 'ERR_QUIC_MIGRATION_IN_PROGRESS' });
  });

  test('aborted lifts the freeze, and another may follow', async () => {
    const { server, native } = await movableServer();
    const controller = new AbortController();
    const moving = rejection(server.prepareMigration(explicit, { signal: controller.signal }));
    controller.abort('not today');
    expect(await moving).toBe('not today');
    expect(native.names).toEqual(['prepareMigration', 'cancelMigration']);
    native.say(prepared());
    void server.prepareMigration(explicit);
    expect(native.calls('prepareMigration')).toHaveLength(2);
  });

  test('that the native side refuses rejects, and another may follow', async () => {
    const { server, native } = await movableServer();
    native.throwAt.set('prepareMigration', Object.assign(new Error('no'), { code: 'ERR_QUIC_MIGRATION_INVALID_STATE' }));
    expect(await rejection(server.prepareMigration(explicit))).toMatchObject({ code: 'ERR_QUIC_MIGRATION_INVALID_STATE' });
    void server.prepareMigration(explicit);
    expect(native.calls('prepareMigration')).toHaveLength(1);
  });

  test('ends with the server', async () => {
    const { server, native } = await movableServer();
    const moving = rejection(server.prepareMigration(explicit));
    server.destroy();
    native.say({ kind: RecordKind.HostClosed });
    expect(await moving).toMatchObject({ code: 'ERR_QUIC_SERVER_CLOSED' });
  });
});

describe('completed', () => {
  async function ready() {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    native.say(prepared({ connection: 1, status: 'ready', protocol: 'explicit' }));
    const move = await moving;
    native.forget();
    return { server, native, move };
  }

  test('binds anew and tells what became of each connection, also of one that is over', async () => {
    const { server, native, move } = await ready();
    const [first, second] = [...server.connections];
    const done = move.completed({ address: '127.0.0.2:4433' });
    expect(native.calls('networkSwitched')).toEqual([[{ host: '127.0.0.2', port: 4433 }, 30_000]]);
    native.boundTo = { family: 'IPv4', host: '127.0.0.2', port: 4433 };
    native.say(
      { kind: RecordKind.ConnectionClosed, connection: 2, json: closedRecord({ kind: 'local', name: 'MIGRATED_WITHOUT_CONNECTION' }) },
      completed({ connection: 1, status: 'migrated', protocol: 'explicit' }, { connection: 2, status: 'closed' }),
    );
    expect(await done).toEqual([
      { connection: first, status: 'migrated', protocol: 'explicit' },
      { connection: second, status: 'closed', error: expect.objectContaining({ code: 'ERR_QUIC_MIGRATED' }) },
    ]);
    expect(server.address.host).toBe('127.0.0.2');
  });

  test('without an address keeps the sockets', async () => {
    const { native, move } = await ready();
    void move.completed({ deadline: 7 });
    expect(native.calls('networkSwitched')).toEqual([[undefined, 7]]);
  });

  test('that cannot bind rejects, and another address may be tried', async () => {
    const { native, move } = await ready();
    const failed = rejection(move.completed({ address: '192.0.2.1:1' }));
    native.say({ kind: RecordKind.MigrationFailed, json: closedRecord({ kind: 'local', name: 'EADDRINUSE' }) });
    expect(await failed).toMatchObject({ code: 'ERR_QUIC_ADDRESS_IN_USE' });
    const done = move.completed();
    native.say(completed());
    expect(await done).toEqual([]);
  });

  test('is for once, and not after disposal', async () => {
    const { native, move } = await ready();
    const done = move.completed();
    native.say(completed());
    await done;
    expect(await rejection(move.completed())).toMatchObject({ code: 'ERR_QUIC_MIGRATION_INVALID_STATE' });
    const other = await ready();
    await other.move[Symbol.asyncDispose]();
    expect(await rejection(other.move.completed())).toMatchObject({ code: 'ERR_QUIC_MIGRATION_INVALID_STATE' });
  });

  test('checks its options', async () => {
    const { move } = await ready();
    expect(await rejection(move.completed({ address: 'here:1' }))).toMatchObject({ code: 'ERR_QUIC_INVALID_ARGUMENT' });
    expect(await rejection(move.completed({ adress: '127.0.0.1:1' } as never))).toMatchObject({ message: 'unknown option `adress`, did you mean `address`?' });
  });

  test('connections that were late are pending', async () => {
    const { native, move } = await ready();
    const done = move.completed();
    native.say(completed({ connection: 1, status: 'pending' }));
    expect(await done).toEqual([expect.objectContaining({ status: 'pending', error: expect.objectContaining({ code: 'ERR_QUIC_MIGRATION_DEADLINE' }) })]);
  });
});

describe('disposal', () => {
  test('of a move that did not happen cancels it, once', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    native.say(prepared());
    {
      await using move = await moving;
      expect(move.outcomes).toEqual([]);
    }
    await (await moving)[Symbol.asyncDispose]();
    expect(native.calls('cancelMigration')).toHaveLength(1);
  });

  test('of a move that happened does nothing', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    native.say(prepared());
    {
      await using move = await moving;
      const done = move.completed();
      native.say(completed());
      await done;
    }
    expect(native.calls('cancelMigration')).toEqual([]);
  });
});

test('events say which connection is how far', async () => {
  const { server, native } = await movableServer();
  const events: ServerMigrationEvent[] = [];
  server.on('migration', (event) => events.push(event));
  const [connection] = [...server.connections];
  const step = (json: unknown) => ({ kind: RecordKind.Migration, connection: 1, json });
  native.say(step({ type: 'pool-acknowledged' }), step({ type: 'ready', protocol: 'explicit' }), step({ type: 'failed', error: 'MIGRATION_NOT_NEGOTIATED' }), step({ type: 'completed', protocol: 'explicit' }));
  expect(events).toEqual([
    { type: 'pool-acknowledged', connection },
    { type: 'ready', connection, protocol: 'explicit' },
    { type: 'failed', connection, error: expect.objectContaining({ code: 'ERR_QUIC_MIGRATION_NOT_NEGOTIATED' }) },
    { type: 'completed', connection, protocol: 'explicit' },
  ]);
});

describe('the status of a move', () => {
  test('says at any time what each connection waits for', async () => {
    const { server, native } = await movableServer();
    const [first, second] = [...server.connections];
    expect(server.migrationStatus()).toEqual({ step: 'idle', connections: [] });
    const moving = server.prepareMigration(({ serverMigration }) => (serverMigration?.protocols.has('explicit') === true ? explicit : 'close'));
    const left = { connection: second, protocol: undefined, state: 'excluded', waitsFor: undefined };
    const standing = (state: string, waitsFor?: string) => [{ connection: first, protocol: 'explicit', state, waitsFor }, left];
    expect(server.migrationStatus()).toEqual({ step: 'preparing', connections: standing('announcing', 'acknowledgment') });
    native.say({ kind: RecordKind.Migration, connection: 1, json: { type: 'ready', protocol: 'explicit' } });
    expect(server.migrationStatus()).toEqual({ step: 'preparing', connections: standing('ready', 'relocation') });
    native.say(prepared({ connection: 1, status: 'ready', protocol: 'explicit' }, { connection: 2, status: 'excluded' }));
    const move = await moving;
    expect(move.outcomes[1]).toMatchObject({ status: 'excluded', error: { code: 'ERR_QUIC_MIGRATED' } });
    const done = move.completed();
    expect(server.migrationStatus()).toEqual({ step: 'switching', connections: standing('switching', 'arrival') });
    native.say({ kind: RecordKind.Migration, connection: 1, json: { type: 'completed', protocol: 'explicit' } });
    expect(server.migrationStatus().connections[0]).toMatchObject({ state: 'migrated', waitsFor: undefined });
    native.say({ kind: RecordKind.ConnectionClosed, connection: 2, json: closedRecord({ kind: 'local', name: 'MIGRATED_WITHOUT_CONNECTION' }) });
    expect(server.migrationStatus().connections[1]).toMatchObject({ state: 'closed' });
    native.say(completed());
    await done;
    expect(server.migrationStatus().step).toBe('idle');
  });

  test('is late for who missed the deadline, and ready again where the new address cannot be bound', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    native.say(prepared({ connection: 1, status: 'ready', protocol: 'explicit' }, { connection: 2, status: 'pending' }));
    const move = await moving;
    expect(move.outcomes[1]).toMatchObject({ status: 'pending', error: { code: 'ERR_QUIC_MIGRATION_DEADLINE' } });
    const failing = rejection(move.completed({ address: '192.0.2.1:1' }));
    native.say({ kind: RecordKind.MigrationFailed, json: closedRecord({ kind: 'local', name: 'EADDRINUSE' }) });
    await failing;
    expect(server.migrationStatus()).toMatchObject({ step: 'prepared', connections: [{ state: 'ready' }, { state: 'late', waitsFor: undefined }] });
  });

  test('tells why a connection cannot be moved', async () => {
    const { server, native } = await movableServer();
    const moving = server.prepareMigration(explicit);
    native.say({ kind: RecordKind.Migration, connection: 1, json: { type: 'failed', error: 'INVALID_ADDRESS' } }, prepared({ connection: 1, status: 'excluded' }));
    expect((await moving).outcomes).toMatchObject([{ status: 'excluded', error: { code: 'ERR_QUIC_INVALID_ARGUMENT' } }]);
  });
});

test('channels of node:diagnostics_channel tell every step, of connections and of the whole', async () => {
  const heard: unknown[] = [];
  const onStep = (message: unknown): void => void heard.push(message);
  const names = ['node-mvfst:server-migration', 'node-mvfst:migration', 'node-mvfst:connection:refused'];
  for (const name of names) subscribe(name, onStep);
  const { server, native } = await movableServer();
  const [connection] = [...server.connections];
  const moving = server.prepareMigration(({ serverMigration }) => (serverMigration?.protocols.has('explicit') === true ? explicit : 'close'));
  native.say({ kind: RecordKind.Migration, connection: 1, json: { type: 'ready', protocol: 'explicit' } }, prepared({ connection: 1, status: 'ready', protocol: 'explicit' }));
  const move = await moving;
  const done = move.completed();
  native.say({ kind: RecordKind.Migration, connection: 1, json: { type: 'completed', protocol: 'explicit' } }, completed({ connection: 1, status: 'migrated', protocol: 'explicit' }));
  await done;
  native.say({ kind: RecordKind.ConnectionClosed, connection: 9, json: closedRecord({ kind: 'local', name: 'HANDSHAKE_TIMEOUT' }) });
  for (const name of names) unsubscribe(name, onStep);
  const step = (type: string) => ({ connection, event: { type, connection, protocol: 'explicit' } });
  expect(heard).toEqual([
    { server, step: 'preparing' },
    step('announcing'),
    step('ready'),
    { server, step: 'prepared', outcomes: [{ connection, status: 'ready', protocol: 'explicit' }] },
    { server, step: 'switching' },
    step('switching'),
    step('completed'),
    { server, step: 'completed', outcomes: [{ connection, status: 'migrated', protocol: 'explicit' }] },
    { server, error: expect.objectContaining({ code: 'ERR_QUIC_HANDSHAKE_TIMEOUT' }), peer: undefined },
  ]);
  expect(server.stats().migrations).toEqual({ announced: 1, ready: 1, completed: 1, failed: 0 });
});
