// Plots as SVG text. Colours are the page's custom properties, so that a plot follows the page into the dark.

const size = { width: 960, left: 64, right: 16, top: 22, bottom: 24 };

export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const round = (value) => Math.round(value * 10) / 10;

/** Where times and values are on the paper. */
function scales({ duration, height, toShare }) {
  const { width, left, right, top, bottom } = size;
  return {
    x: (at) => round(left + (at / duration) * (width - left - right)),
    y: (value) => round(height - bottom - toShare(value) * (height - top - bottom)),
  };
}

/** A step of 1, 2 or 5 that divides `range` into about `count` parts. */
function niceStep(range, count) {
  const raw = range / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
}

function timeAxis({ duration, height }, { x }) {
  const step = niceStep(duration / 1000, 10);
  let svg = '';
  for (let second = 0; second * 1000 <= duration; second += step) {
    svg += `<text class="tick" text-anchor="middle" x="${x(second * 1000)}" y="${height - 7}">${round(second)} s</text>`;
  }
  return svg;
}

function valueAxis(ticks, { y }) {
  const { width, left, right } = size;
  return ticks
    .map(({ value, text }) => `<path class="grid" d="M${left} ${y(value)}H${width - right}"/><text class="tick" text-anchor="end" x="${left - 8}" y="${y(value) + 4}">${text}</text>`)
    .join('');
}

/** Each move as a band from its beginning until this client has followed, with a line where the server changed its address. */
function moveMarks(moves, height, { x }, isLabelled) {
  const { top, bottom } = size;
  return moves
    .map(({ to, beganAt, switchedAt, followedAt }) => {
      const width = Math.max(1, x(followedAt) - x(beganAt));
      const label = isLabelled ? `<text class="move-label" x="${x(switchedAt) + 5}" y="${top - 8}">→ ${escapeHtml(to)}</text>` : '';
      return `<rect class="band" x="${x(beganAt)}" y="${top}" width="${width}" height="${height - top - bottom}"/><path class="move" d="M${x(switchedAt)} ${top - 16}V${height - bottom}"/>${label}`;
    })
    .join('');
}

function frame({ height, label, kind }, content) {
  return `<svg viewBox="0 0 ${size.width} ${height}" data-kind="${kind}" data-left="${size.left}" data-right="${size.right}" role="img" aria-label="${escapeHtml(label)}">${content}</svg>`;
}

/** A dot for each request: when it was sent, and how long its answer took, on a logarithmic axis. */
export function latencyPlot({ requests, moves, duration, label }) {
  const height = 210;
  const latencies = requests.map(([, latency]) => latency);
  const low = Math.floor(Math.log10(Math.max(0.01, Math.min(1, ...latencies))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1, ...latencies))));
  const toShare = (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low);
  const at = scales({ duration, height, toShare });
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)).map((value) => ({ value, text: `${value >= 1 ? value : value.toFixed(-Math.log10(value))} ms` }));
  const dots = requests.map(([when, latency]) => `M${at.x(when)} ${at.y(latency)}h0`).join('');
  const content = valueAxis(ticks, at) + timeAxis({ duration, height }, at) + moveMarks(moves, height, at, true) + `<path class="dots" d="${dots}"/>`;
  return frame({ height, label, kind: 'latency' }, content);
}

/** Lines of bytes a second, in MB/s: `lines` are { name, points: [[when, rate]] }. */
export function ratePlot({ lines, moves, duration, label }) {
  const height = 130;
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, rate]) => rate)));
  const step = niceStep(most, 3);
  const top = Math.ceil(most / step) * step;
  const at = scales({ duration, height, toShare: (value) => value / top });
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => ({ value: index * step, text: `${round(index * step)} MB/s` }));
  const paths = lines.map(({ name, points }) => `<path class="line ${name}" d="${points.map(([when, rate], index) => `${index ? 'L' : 'M'}${at.x(when)} ${at.y(rate)}`).join('')}"/>`);
  const content = valueAxis(ticks, at) + timeAxis({ duration, height }, at) + moveMarks(moves, height, at, false) + paths.join('');
  return frame({ height, label, kind: 'rate' }, content);
}
