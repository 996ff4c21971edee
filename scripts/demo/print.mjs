// The result on the terminal.
import { compact, mebibytes, textTable, wholeNumber } from '../lib/figures.mjs';
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
  for (const problem of problems) console.log(`✘ ${problem}`);
  if (problems.length === 0) console.log(verdict({ clients, moves }));
}

/** One sentence for a run in which nothing was lost. */
export function verdict({ clients, moves }) {
  const requests = clients.reduce((sum, { answered }) => sum + answered, 0);
  return `✔ the server moved ${moves.length} times under ${clients.length} clients: ${wholeNumber(requests)} requests answered once each, ${clients.length * 2} hashes equal`;
}
