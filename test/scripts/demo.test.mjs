// What the demonstration calls a loss: its judge, fed with observations of a run that went well and of some that did not.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { evaluate, longestPause } from '../../scripts/demo/evaluate.mjs';
import { Allowance, take } from '../../scripts/demo/protocol.mjs';
import { behaviour, hostsOf, protocolsOf, scenarios } from '../../scripts/demo/scenarios.mjs';
import { Session } from '../../scripts/demo/session.mjs';
import { quantile, textTable } from '../../scripts/lib/figures.mjs';

const scenario = {
  name: 'test', title: 'Test', home: '127.0.0.1',
  clients: [{ name: 'a', protocol: 'explicit', explicitProbing: 'reactive' }],
  moves: [{ to: '127.0.0.2', at: 0.5 }],
};
const work = { size: 1000, hash: 'h' };

/** One client, ten requests 10 ms apart and answered after 2 ms, a move from 40 to 50. */
function goodRun() {
  const sentAt = Array.from({ length: 10 }, (_, number) => number * 10);
  const answeredAt = sentAt.map((at) => at + 2);
  return {
    moves: [{
      to: '127.0.0.2', host: '127.0.0.2', beganAt: 40, preparedAt: 42, switchedAt: 44, completedAt: 50, peers: ['127.0.0.2'],
      load: { a: { uploaded: 400, bytesInFlight: 7 } }, outcomes: [{ name: 'a', status: 'migrated' }],
    }],
    completions: [{ name: 'a', at: 49 }],
    transferred: [{ up: { beganAt: 1, endedAt: 90, sent: 'h', answered: 'h' }, down: { beganAt: 1, endedAt: 95, received: 'h' } }],
    finished: [{ sentAt, answeredAt, lost: 0, duplicated: 0, errors: [], samples: [[0, 0, 0], [100, 1000, 1000]], arrivals: [10, 43, 61, 90] }],
    served: [{ name: 'a', requests: 10, repeated: 0, failures: [] }],
    stubborn: [],
  };
}

/** The problems of a good run after `spoil` has changed it. */
function problemsOf(spoil) {
  const observed = goodRun();
  spoil(observed);
  return evaluate(observed, work, scenario).problems;
}

test('a run without loss has no problem, and tells what was open at the move', () => {
  const { clients, problems } = evaluate(goodRun(), work, scenario);
  assert.deepEqual(problems, []);
  const [{ sent, answered, p50, interruptions, outstanding }] = clients;
  assert.deepEqual({ sent, answered, p50 }, { sent: 10, answered: 10, p50: 2 });
  assert.deepEqual(interruptions, [{ followedAt: 49, answers: 10, bytes: 33 }]);
  assert.deepEqual(outstanding, [{ up: 600, down: 560, bytesInFlight: 7, requests: 0 }]);
});

const spoiled = [
  ['a request without an answer', (run) => { run.finished[0].lost = 1; run.finished[0].answeredAt[3] = NaN; }, /1 requests were not answered/],
  ['a request that is answered twice', (run) => { run.finished[0].duplicated = 1; }, /more than once/],
  ['a request that the server saw twice', (run) => { run.served[0].repeated = 1; }, /more than once/],
  ['a request that the server never saw', (run) => { run.served[0].requests = 9; }, /the server saw 9 of 10/],
  ['an upload that was changed', (run) => { run.transferred[0].up.answered = 'x'; }, /upload did not arrive/],
  ['a download that was changed', (run) => { run.transferred[0].down.received = 'x'; }, /download did not arrive/],
  ['a move after the end of a transfer', (run) => { run.transferred[0].up.endedAt = 45; }, /transfer up was not under way/],
  ['a move during which a client was left behind', (run) => { run.moves[0].outcomes = [{ name: 'a', status: 'pending', error: 'late' }]; }, /a is pending: late/],
  ['a client that still talks to the old address', (run) => { run.moves[0].peers = ['127.0.0.1']; }, /a talks to 127\.0\.0\.1/],
  ['a server that did not move', (run) => { run.moves[0].host = '127.0.0.1'; }, /the server is at 127\.0\.0\.1/],
  ['a failure that a stream met', (run) => { run.served[0].failures = ['bad']; }, /server: bad/],
  ['a process that had to be killed', (run) => { run.stubborn = ['a']; }, /did not end by itself/],
];
for (const [what, spoil, expected] of spoiled) {
  test(`${what} is a problem`, () => {
    const problems = problemsOf(spoil);
    assert.ok(problems.some((problem) => expected.test(problem)), problems.join('\n'));
  });
}

/** The same run, of a client that cannot follow: it was closed and came back, and asked request 4 again. */
function problemsOfStranger(spoil = () => undefined) {
  const observed = goodRun();
  observed.moves[0].outcomes = [{ name: 'a', status: 'closed', error: 'left' }];
  observed.finished[0].reconnects = [{ lostAt: 45, reconnectedAt: 52 }];
  observed.finished[0].repetitions = 1;
  observed.served[0].repeated = 1;
  observed.transferred[0].up.beganAt = 53;
  spoil(observed);
  return evaluate(observed, work, { ...scenario, clients: [{ name: 'a' }] }).problems;
}

test('a client that cannot follow reconnects once for each move, and does again what was open', () => {
  assert.deepEqual(problemsOfStranger(), []);
  const left = problemsOfStranger((run) => { run.finished[0].reconnects = []; });
  assert.ok(left.some((problem) => /had to reconnect 0 times in 1 moves/.test(problem)), left.join('\n'));
  const carried = problemsOfStranger((run) => { run.moves[0].outcomes[0].status = 'migrated'; });
  assert.ok(carried.some((problem) => /a is migrated/.test(problem)), carried.join('\n'));
  const lost = problemsOfStranger((run) => { run.finished[0].lost = 1; });
  assert.ok(lost.some((problem) => /1 requests were not answered/.test(problem)), lost.join('\n'));
});

/** Connections that end when a test says so. */
function fakeConnections() {
  const made = [];
  const connect = async (host) => {
    if (host === 'nobody') throw new Error('nobody is here');
    let end;
    const closed = new Promise((_, reject) => (end = reject));
    made.push({ host, closed, end });
    return made.at(-1);
  };
  return { made, connect };
}
const refusal = Object.assign(new Error('refused'), { code: 'ERR_QUIC_REFUSED', reason: 'reconnect' });
const silent = { onReconnected: () => undefined, onLost: () => undefined };

test('a session that may reconnect does its work again on the next connection', async () => {
  const { made, connect } = fakeConnections();
  const session = new Session({ connect, hosts: ['a', 'nobody', 'b'], mayReconnect: true, hear: silent });
  await session.open();
  const hosts = await session.use(async (connection) => {
    if (made.length === 1) {
      connection.end(refusal);
      throw new Error('the stream is lost');
    }
    return made.map(({ host }) => host);
  });
  assert.deepEqual(hosts, ['a', 'a']);
  await session.reconnected(1);
  assert.equal(session.repetitions, 1);
});

test('a session that may not, or whose work fails for another reason, tells', async () => {
  const { made, connect } = fakeConnections();
  const lost = [];
  const session = new Session({ connect, hosts: ['a'], mayReconnect: false, hear: { ...silent, onLost: (error) => lost.push(error) } });
  await session.open();
  await assert.rejects(session.use(async () => { throw new Error('mine'); }), /mine/);
  made[0].end(refusal);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lost, [refusal]);
});

test('every protocol has its scenario, and the last one has them all and a stranger', () => {
  const ways = new Set(scenarios.slice(0, -1).flatMap(({ clients }) => clients.map(behaviour)));
  assert.deepEqual([...ways], ['explicit, reactive', 'explicit, proactive', 'pool-of-addresses', 'symmetric', 'synchronized-symmetric']);
  assert.deepEqual(scenarios.at(-1).clients.map(behaviour), [...ways, 'reconnecting']);
});

test('a head that comes in pieces is waited for, and what follows it stays', { timeout: 5000 }, async () => {
  const stream = new PassThrough();
  stream.write('hea');
  const head = take(stream, 5);
  await new Promise((resolve) => setImmediate(resolve));
  stream.end('d!and more');
  assert.equal(String(await head), 'head!');
  assert.equal(String(await buffer(stream)), 'and more');
});

test('a stream that ends within its head is an error', { timeout: 5000 }, async () => {
  const stream = new PassThrough();
  stream.write('hea');
  const head = take(stream, 5);
  await new Promise((resolve) => setImmediate(resolve));
  stream.end();
  await assert.rejects(head, /ended early/);
});

test('a transfer keeps beside the other direction, and trickles until all moves are over', () => {
  let clock = 0;
  const allowance = new Allowance(1000, () => clock);
  assert.equal(allowance.allows(500, 420, false), true);
  assert.equal(allowance.allows(500, 419, true), false);
  assert.equal(allowance.allows(851, 851, false), true);
  assert.equal(allowance.allows(860, 860, false), false);
  assert.equal(allowance.allows(860, 860, true), true);
  clock = 20;
  assert.equal(allowance.allows(860, 860, false), true);
  clock = 1000;
  assert.equal(allowance.allows(991, 991, false), false);
  assert.equal(allowance.allows(991, 991, true), true);
});

test('a pause counts when it touches the span', () => {
  assert.equal(longestPause([0, 10, 50, 55], 20, 30), 40);
  assert.equal(longestPause([0, 10, 50, 55], 51, 60), 5);
  assert.equal(longestPause([], 0, 10), 0);
});

test('every scenario moves while there is work, by a protocol that its server offers', () => {
  for (const each of scenarios) {
    assert.ok(each.moves.every(({ at }) => at > 0 && at < 0.8), each.name);
    assert.equal(hostsOf(each)[0], each.home);
    assert.ok(protocolsOf(each).length > 0);
  }
});

test('order statistics and tables', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([1, 2], 0.5), 1.5);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.deepEqual(textTable(['<name', 'n'], [['a', 1], ['bb', 20]]), ['name   n', '────  ──', 'a      1', 'bb    20']);
});
