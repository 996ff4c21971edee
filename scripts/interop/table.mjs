// The matrix as text: a line for each case, a column for each peer; two marks in a cell.
const marks = { pass: '✔', fail: '✘', missing: '○', cannot: '–' };

const begin = '<!-- interop: begin (npm run test:interop -- --write) -->';
const end = '<!-- interop: end -->';

/** Equal reasons share a number, in the order of the table. */
function notesOf(results) {
  const notes = new Map();
  for (const { status, reason } of results) if (status !== 'pass' && reason && !notes.has(reason)) notes.set(reason, notes.size + 1);
  return notes;
}

function markOf(result, notes) {
  if (result === undefined) return ' ';
  const note = notes.get(result.reason);
  return `${marks[result.status]}${result.status === 'pass' || note === undefined ? '' : `<sup>${note}</sup>`}`;
}

function resultOf(results, peer, test, direction) {
  return results.find((one) => one.peer === peer.id && one.test === test.name && one.direction === direction);
}

/** Our roles against a peer. */
export function directionsOf({ isServerOnly, isClientOnly }) {
  return [...(isClientOnly ? [] : ['client']), ...(isServerOnly ? [] : ['server'])];
}

/** Markdown. `peers` have `title`, `version`, and perhaps `isServerOnly` or `isClientOnly`. */
export function matrixOf(results, { peers, cases }) {
  const only = ({ isServerOnly, isClientOnly }) => (isServerOnly ? ' (server)' : isClientOnly ? ' (client)' : '');
  const rows = cases.map((test) => ({ test, cells: peers.map((peer) => directionsOf(peer).map((direction) => resultOf(results, peer, test, direction))) }));
  const notes = notesOf(rows.flatMap(({ cells }) => cells.flat()).filter((one) => one !== undefined));
  const lines = [
    `| | ${peers.map((peer) => `${peer.title} ${peer.version}${only(peer)}`).join(' | ')} |`,
    `|---|${peers.map(() => ':---:|').join('')}`,
    ...rows.map(({ test, cells }) => `| ${test.title} | ${cells.map((marked) => marked.map((one) => markOf(one, notes)).join(' ')).join(' | ')} |`),
  ];
  const footer = [...notes].map(([reason, number]) => `${number}. ${reason}`);
  return [...lines, ...(footer.length > 0 ? ['', ...footer] : [])].join('\n');
}

/** The README with the matrix between its marks. */
export function putInto(readme, matrix, date) {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the README has no "${begin}" and "${end}"`);
  const legend = `Measured on ${date}. In each cell: our client against its server, then its client against ours. ✔ passed, ✘ failed, ○ missing here, – the peer cannot (notes).`;
  return `${readme.slice(0, from)}${begin}\n\n${legend}\n\n${matrix}\n\n${readme.slice(to)}`;
}

export function plainMark(status) {
  return marks[status];
}
