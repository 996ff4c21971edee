// The result on the terminal.
import { compact, mebibytes, quantile, textTable, wholeNumber } from '../lib/figures.mjs';
import { behaviour } from './scenarios.mjs';

const yesNo = (isSo) => (isSo ? 'equal' : 'DIFFER');

export function printResult({ clients, moves, problems }) {
  const moveTitles = moves.map(({ to }) => `→${to}`);
  console.log('');
  for (const line of textTable(
    ['<client', '<follows by', 'sent', 'answered', 'lost', 'duplicated', 'p50 ms', 'p99 ms', 'worst ms', '<hash up', '<hash down'],
    clients.map((row) => [
      row.name, behaviour(row), wholeNumber(row.sent), wholeNumber(row.answered), row.lost, row.duplicated,
      compact(row.p50), compact(row.p99), compact(row.worst), yesNo(row.isUpEqual), yesNo(row.isDownEqual),
    ]),
  )) console.log(line);
  console.log('\nLongest interruption around each move (ms), and what was still open when the server left:\n');
  for (const line of textTable(
    ['<client', '<move', 'of answers', 'of bytes', 'to upload', 'to download', 'in flight', 'open requests'],
    clients.flatMap((row) =>
      moves.map((_, index) => {
        const { answers, bytes } = row.interruptions[index];
        const { up, down, bytesInFlight, requests } = row.outstanding[index];
        return [row.name, moveTitles[index], compact(answers), compact(bytes), mebibytes(up), mebibytes(down), `${wholeNumber(bytesInFlight)} B`, requests];
      }),
    ),
  )) console.log(line);
  console.log('');
  for (const row of clients.filter(({ protocol }) => protocol === undefined)) console.log(`${reconnection(row)}\n`);
  for (const problem of problems) console.log(`✘ ${problem}`);
  if (problems.length === 0) console.log(verdict({ clients, moves }));
}

/** What became of a client that cannot follow. */
export function reconnection({ name, reconnects, repetitions }) {
  const pauses = reconnects.map((pause) => `${compact(pause)} ms`).join(' and ');
  return `${name} has no server migration: it was told to reconnect ${reconnects.length} times, was back after ${pauses || '-'}, and did ${repetitions} things again`;
}

/** All scenarios beside each other. */
export function printSummary(results) {
  console.log('All that was shown:\n');
  for (const line of textTable(
    ['<scenario', 'clients', 'moves', 'requests', 'lost', 'duplicated', 'p50 ms', 'p99 ms', 'longest pause ms', 'problems'],
    results.map(({ name, clients, moves, problems }) => {
      const following = clients.filter(({ protocol }) => protocol !== undefined);
      const latencies = following.flatMap((row) => row.latencies);
      const pauses = following.flatMap(({ interruptions }) => interruptions.map(({ answers }) => answers));
      const sum = (key) => clients.reduce((total, row) => total + row[key], 0);
      return [
        name, clients.length, moves.length, wholeNumber(sum('sent')), sum('lost'), sum('duplicated'),
        compact(quantile(latencies, 0.5)), compact(quantile(latencies, 0.99)), compact(Math.max(...pauses)), problems.length,
      ];
    }),
  )) console.log(line);
  console.log('\nLatencies and pauses are those of the clients that follow by a protocol.');
}

/** One sentence for a run in which nothing was lost. */
export function verdict({ clients, moves }) {
  const requests = clients.reduce((sum, { answered }) => sum + answered, 0);
  return `✔ the server moved ${moves.length} times under ${clients.length} clients: ${wholeNumber(requests)} requests answered once each, ${clients.length * 2} hashes equal`;
}
