// What the observations are worth: a row for each client, and a list of everything that is not as it must be.
import { quantile } from '../lib/figures.mjs';

/** An interruption is looked for until so long after a client has followed, in milliseconds. */
const kAftermath = 500;

/** The longest pause between two of `times` that touches the span from `from` to `to`; times are in order. */
export function longestPause(times, from, to) {
  let longest = 0;
  for (let index = 1; index < times.length; index++) {
    if (times[index] >= from && times[index - 1] <= to) longest = Math.max(longest, times[index] - times[index - 1]);
  }
  return longest;
}

/** Bytes that had been counted by `at`, from samples [when, up, down]. */
function bytesAt(samples, at, column) {
  const next = samples.findIndex(([when]) => when > at);
  if (next <= 0) return next === 0 ? 0 : samples.at(-1)[column];
  const [before, after] = [samples[next - 1], samples[next]];
  return before[column] + ((after[column] - before[column]) * (at - before[0])) / (after[0] - before[0]);
}

function interruptions(name, { answeredAt, arrivals }, { moves, completions }) {
  const answers = Float64Array.from(answeredAt.filter((at) => !Number.isNaN(at))).sort();
  return moves.map(({ beganAt, switchedAt, completedAt }) => {
    const followedAt = completions.find((completion) => completion.name === name && completion.at >= beganAt)?.at ?? completedAt;
    const until = Math.max(followedAt, switchedAt) + kAftermath;
    return { followedAt, answers: longestPause(answers, beganAt, until), bytes: longestPause(arrivals, beganAt, until) };
  });
}

function clientRow(index, observed, work, scenario) {
  const { name, protocol, explicitProbing } = scenario.clients[index];
  const finished = observed.finished[index];
  const { up, down } = observed.transferred[index];
  const latencies = finished.answeredAt.map((at, number) => at - finished.sentAt[number]).filter((latency) => !Number.isNaN(latency));
  const served = observed.served.find((peer) => peer.name === name) ?? { requests: 0, repeated: 0, failures: ['the server does not know it'] };
  return {
    name, protocol, explicitProbing, latencies,
    sent: finished.sentAt.length,
    answered: latencies.length,
    lost: finished.lost,
    // Who reconnects asks again what was open: the server may have seen it.
    duplicated: finished.duplicated + (protocol === undefined ? 0 : served.repeated),
    reconnects: (finished.reconnects ?? []).map(({ lostAt, reconnectedAt }) => reconnectedAt - lostAt),
    repetitions: finished.repetitions ?? 0,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    worst: quantile(latencies, 1),
    interruptions: interruptions(name, finished, observed),
    outstanding: observed.moves.map(({ switchedAt, load }) => ({
      up: work.size - (load[name]?.uploaded ?? 0),
      down: work.size - bytesAt(finished.samples, switchedAt, 2),
      bytesInFlight: load[name]?.bytesInFlight ?? 0,
      requests: finished.sentAt.filter((at, number) => at < switchedAt && !(finished.answeredAt[number] < switchedAt)).length,
    })),
    isUpEqual: up.sent === work.hash && up.answered === work.hash,
    isDownEqual: down.received === work.hash,
    failures: [...finished.errors, ...served.failures.map((failure) => `server: ${failure}`)],
    servedRequests: served.requests,
    transfer: { up, down },
    samples: finished.samples,
    requests: { sentAt: finished.sentAt, answeredAt: finished.answeredAt },
  };
}

function clientProblems(row, moves) {
  const problems = row.failures.map((failure) => `${row.name}: ${failure}`);
  const must = (isSo, text) => isSo || problems.push(`${row.name}: ${text}`);
  must(row.lost === 0, `${row.lost} requests were not answered`);
  must(row.duplicated === 0, `${row.duplicated} requests were answered or served more than once`);
  must(row.servedRequests === row.sent, `the server saw ${row.servedRequests} of ${row.sent} requests`);
  must(row.isUpEqual, 'the upload did not arrive as it was sent');
  must(row.isDownEqual, 'the download did not arrive as it was sent');
  if (row.protocol === undefined) {
    must(row.reconnects.length === moves.length, `it had to reconnect ${row.reconnects.length} times in ${moves.length} moves`);
    return problems;
  }
  moves.forEach(({ to, switchedAt, completedAt }, index) => {
    for (const [way, { beganAt, endedAt }] of Object.entries(row.transfer)) {
      must(beganAt < switchedAt && endedAt > completedAt, `its transfer ${way} was not under way during move ${index + 1} to ${to}`);
    }
  });
  return problems;
}

function moveProblems({ to, host, outcomes, peers }, index, scenario) {
  const problems = [];
  const must = (isSo, text) => isSo || problems.push(`move ${index + 1} to ${to}: ${text}`);
  must(host === to, `the server is at ${host}`);
  must(outcomes.length === scenario.clients.length, `${outcomes.length} of ${scenario.clients.length} clients have an outcome`);
  const isFollowing = (name) => scenario.clients.find((client) => client.name === name)?.protocol !== undefined;
  for (const { name, status, error } of outcomes) {
    const isRight = isFollowing(name) ? status === 'migrated' : status === 'closed' || status === 'excluded';
    must(isRight, `${name} is ${status}${error ? `: ${error}` : ''}`);
  }
  peers.forEach((peer, client) => must(peer === to, `${scenario.clients[client].name} talks to ${peer}`));
  return problems;
}

export function evaluate(observed, work, scenario) {
  const clients = scenario.clients.map((_, index) => clientRow(index, observed, work, scenario));
  const problems = [
    ...observed.moves.flatMap((move, index) => moveProblems(move, index, scenario)),
    ...clients.flatMap((row) => clientProblems(row, observed.moves)),
    ...observed.stubborn.map((name) => `${name}: its process did not end by itself`),
  ];
  return { clients, moves: observed.moves, problems };
}
