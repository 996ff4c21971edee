// The result as one HTML page that needs nothing else: numbers, plots, tables, timeline.
import { compact, mebibytes, wholeNumber } from '../lib/figures.mjs';
import { script, style } from './page.mjs';
import { escapeHtml, latencyPlot, ratePlot } from './plot.mjs';
import { reconnection, verdict } from './print.mjs';
import { behaviour } from './scenarios.mjs';

/** Rates are means over so many milliseconds. */
const kRateWindow = 200;

function ratePoints(samples, column, since) {
  const points = [];
  let from = 0;
  for (let index = 1; index < samples.length; index++) {
    const span = samples[index][0] - samples[from][0];
    if (span < kRateWindow) continue;
    const middle = (samples[index][0] + samples[from][0]) / 2;
    const rate = (samples[index][column] - samples[from][column]) / span / 1000;
    points.push([since(middle), Math.max(0, rate)]); // a transfer that begins anew has come less far
    from = index;
  }
  return points;
}

function table(titles, rows) {
  const cell = (value, index) => `<td${titles[index].startsWith('<') ? ' class="left"' : ''}>${escapeHtml(value)}</td>`;
  const head = titles.map((title) => `<th${title.startsWith('<') ? ' class="left"' : ''}>${escapeHtml(title.replace(/^</, ''))}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function tiles(clients, work) {
  const sum = (name) => clients.reduce((total, row) => total + row[name], 0);
  const longest = Math.max(...clients.flatMap(({ interruptions }) => interruptions.map(({ answers }) => answers)));
  const items = [
    ['requests answered', `${wholeNumber(sum('answered'))} of ${wholeNumber(sum('sent'))}`],
    ['lost', wholeNumber(sum('lost'))],
    ['duplicated', wholeNumber(sum('duplicated'))],
    ['transferred', mebibytes(work.size * 2 * clients.length)],
    ['longest interruption', `${compact(longest)} ms`],
  ];
  return `<div class="tiles">${items.map(([name, value]) => `<div class="tile"><div class="value">${escapeHtml(value)}</div><div class="name">${escapeHtml(name)}</div></div>`).join('')}</div>`;
}

function clientSection(row, { moves, duration, since }) {
  const own = moves.map((move, index) => ({
    to: move.to,
    beganAt: since(move.beganAt),
    switchedAt: since(move.switchedAt),
    followedAt: since(row.interruptions[index].followedAt),
  }));
  const { sentAt, answeredAt } = row.requests;
  const requests = sentAt.map((at, number) => [since(at), answeredAt[number] - at]).filter(([, latency]) => !Number.isNaN(latency));
  const lines = [
    { name: 'down', points: ratePoints(row.samples, 2, since) },
    { name: 'up', points: ratePoints(row.samples, 1, since) },
  ];
  const data = JSON.stringify({ duration, requests: requests.map(([at, latency]) => [Math.round(at), Number(latency.toFixed(2))]) });
  return `<section class="client">
<h2>${escapeHtml(row.name)} <span class="quiet">${escapeHtml(behaviour(row))}</span></h2>
<p class="legend"><span class="key dot"></span>time from a request to its answer, by when it was sent <span class="key swatch"></span>from the announcement of a move until this client has followed</p>
<div class="scroll"><div class="plot">${latencyPlot({ requests, moves: own, duration, label: `Latency of the requests of ${row.name} over time` })}</div></div>
<p class="legend"><span class="key down"></span>download <span class="key up"></span>upload</p>
<div class="scroll"><div class="plot">${ratePlot({ lines, moves: own, duration, label: `Throughput of ${row.name} over time` })}</div></div>
<script type="application/json">${data}</script>
</section>`;
}

function clientTable(clients) {
  return table(
    ['<client', '<follows by', 'sent', 'answered', 'lost', 'duplicated', 'p50 ms', 'p99 ms', 'worst ms', '<hash up', '<hash down'],
    clients.map((row) => [
      row.name, behaviour(row), wholeNumber(row.sent), wholeNumber(row.answered), row.lost, row.duplicated, compact(row.p50), compact(row.p99), compact(row.worst),
      row.isUpEqual ? 'equal' : 'differs', row.isDownEqual ? 'equal' : 'differs',
    ]),
  );
}

function moveTable(clients, moves, since) {
  return table(
    ['<client', '<move', 'began at ms', 'followed after ms', 'longest pause of answers ms', 'of bytes ms', 'left to upload', 'left to download', 'in flight', 'open requests'],
    clients.flatMap((row) =>
      moves.map(({ to, beganAt, switchedAt }, index) => {
        const { followedAt, answers, bytes } = row.interruptions[index];
        const { up, down, bytesInFlight, requests } = row.outstanding[index];
        return [
          row.name, `→ ${to}`, wholeNumber(Math.round(since(beganAt))), compact(followedAt - switchedAt), compact(answers), compact(bytes),
          mebibytes(up), mebibytes(down), `${wholeNumber(bytesInFlight)} B`, requests,
        ];
      }),
    ),
  );
}

export function reportHtml({ scenario, clients, moves, problems, timeline, work }) {
  const since = (at) => timeline.since(at);
  const duration = Math.max(...timeline.events.map(({ at }) => at), ...clients.map(({ requests }) => since(requests.sentAt.at(-1)) + 100));
  const judgement = problems.length === 0 ? `<p class="verdict good">${escapeHtml(verdict({ clients, moves }))}</p>` : `<ul class="verdict bad">${problems.map((problem) => `<li>✘ ${escapeHtml(problem)}</li>`).join('')}</ul>`;
  const events = timeline.events.map(({ at, who, text }) => [wholeNumber(Math.round(at)), who, text]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A QUIC server moves: ${escapeHtml(scenario.name)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>A QUIC server moves under ${clients.length} clients</h1>
<p class="quiet">${escapeHtml(scenario.title)}. ${escapeHtml(new Date().toISOString().replace('T', ' ').slice(0, 16))} UTC, Node ${escapeHtml(process.version)}.</p>
${judgement}
${tiles(clients, work)}
${clients.map((row) => clientSection(row, { moves, duration, since })).join('\n')}
<h2>Clients</h2>
${clientTable(clients)}
${clients.filter(({ protocol }) => protocol === undefined).map((row) => `<p>${escapeHtml(reconnection(row))}</p>`).join('\n')}
<h2>Moves</h2>
<p class="quiet">The longest pause between two answers, and between two arrivals of the download, from the announcement of the move until half a second after the client has followed. A request is sent every 10 ms.</p>
${moveTable(clients, moves, since)}
<h2>Timeline</h2>
${table(['ms', '<who', '<what'], events)}
</main>
<div id="tip" role="status" hidden></div>
<script>${script}</script>
</body>
</html>
`;
}
