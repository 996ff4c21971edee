// The figures as tables: of text, and of markdown for the README.
import { compact, textTable } from '../lib/figures.mjs';
import { StepFailed } from '../lib/run.mjs';
import { conditions, published } from './figures.mjs';

const begin = '<!-- bench-migration: begin (npm run bench:migration -- --write) -->';
const end = '<!-- bench-migration: end -->';

const titles = {
  'no migration': 'no migration',
  'explicit-proactive': 'Explicit, proactive',
  'explicit-reactive': 'Explicit, reactive',
  'pool-1': 'Pool, 1 address',
  'pool-2': 'Pool, 2 addresses',
  'pool-3': 'Pool, 3 addresses',
  symmetric: 'Symmetric',
  synchronized: 'Synchronized Symmetric',
  'explicit-proactive behind a NAT': 'Explicit, proactive †',
  'explicit-reactive behind a NAT': 'Explicit, reactive †',
  'pool-1 behind a NAT': 'Pool, 1 address †',
  'pool-2 behind a NAT': 'Pool, 2 addresses †',
  'pool-3 behind a NAT': 'Pool, 3 addresses †',
};

const meanText = ({ mean, interval }) => `${mean.toFixed(mean < 100 ? 2 : 0)} ± ${interval.toFixed(interval < 10 ? 2 : 0)}`;

const publishedName = (name) => name.replace(' behind a NAT', '');

/** What was published under the same condition; undefined when nothing was. */
function publishedOf(name, { loss, rttBefore }) {
  if (loss > 0.015) return undefined;
  const row = published[publishedName(name)];
  return rttBefore === 122 || name === 'no migration' ? row?.[loss === 0 ? 'noLoss' : 'loss'] : undefined;
}

export function terminalLines(result) {
  const lines = [];
  for (const condition of conditions) {
    const variants = result.conditions[condition.name];
    const base = variants['no migration'].mean;
    const rows = Object.entries(variants).map(([name, each]) => {
      const theirs = publishedOf(name, condition);
      return [titles[name], meanText(each), (each.mean / base).toFixed(3), compact(each.p95), compact(each.max), each.failed, ...(theirs ? [compact(theirs.mean), compact(theirs.max), theirs.failed] : ['-', '-', '-'])];
    });
    lines.push(`${condition.name}: ms, ${result.count} samples each`);
    lines.push(...textTable(['<', 'mean ± 95 %', 'to no migration', 'p95', 'max', 'failed', 'published mean', 'max', 'failed'], rows), '');
  }
  for (const { what, isMet, detail } of result.goals) lines.push(`${isMet ? '✔' : '✘'} ${what}${detail ? `: ${detail}` : ''}`);
  return lines;
}

export function markdownLines(result) {
  const of = (condition, name) => result.conditions[condition][name];
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const lines = [
    `Service time of the first request after a move, ms (${result.date}, virtual time, ${result.count.toLocaleString('en-US')} samples each): 1 KB there and back on a`,
    'path of 18 ms, the server frozen for 1.5 s between two requests. Mean ± 95 % interval / 95th percentile / maximum. *Published*: the',
    "means that were published for the fork with CRIU, n = 100, from a path of 122 ms to one of 18 ms; *from 122 ms* is ours under the",
    'same condition. 3 % loss is 1.5 % each way, as there. In brackets: how many failed. † The client is behind a NAT that lets nothing in',
    'from an address to which it has not sent; else it hears the server from its new address before it asks for anything.',
    '',
    row(['', 'no loss', '3 % loss', '3 % each way', 'no loss, from 122 ms', 'published', '3 % loss, from 122 ms', 'published']),
    row(Array.from({ length: 8 }, () => '---')),
  ];
  const ours = (each) => `${meanText(each)} / ${compact(each.p95)} / ${compact(each.max)} (${each.failed})`;
  const theirs = (each) => (each ? `${compact(each.mean)} (${each.failed})` : '-');
  for (const [name, title] of Object.entries(titles)) {
    const cells = ['no loss', '3 % loss', '3 % loss each way'].map((condition) => ours(of(condition, name)));
    const [noLoss, loss] = ['no loss, from 122 ms', '3 % loss, from 122 ms'].map((condition) => `${compact(of(condition, name).mean)} (${of(condition, name).failed})`);
    lines.push(row([title, ...cells, noLoss, theirs(published[publishedName(name)]?.noLoss), loss, theirs(published[publishedName(name)]?.loss)]));
  }
  return lines;
}

/** The README with the table in its place. */
export function putInto(readme, lines) {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new StepFailed(`README.md has no place for the table: ${begin}`);
  return `${readme.slice(0, from + begin.length)}\n${lines.join('\n')}\n${readme.slice(to)}`;
}
