// The main job, shown: a server moves from one address to another and back while clients transfer a file in both directions
// and ask a question every 10 ms; by each protocol in turn, then under clients of every kind. Exits with 0 only if nothing was
// lost, doubled or changed.
//
//   npm run demo
//   node scripts/demo.mjs [--scenario=NAME] [--seconds=6] [--full-speed] [--workers=1]
//
// Transfers are paced to take --seconds, so that moves fall into their midst on any machine; --full-speed does not pace.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from './demo/evaluate.mjs';
import { printResult, printSummary } from './demo/print.mjs';
import { fileBytes } from './demo/protocol.mjs';
import { reportHtml } from './demo/report.mjs';
import { leastBytes, scenarios } from './demo/scenarios.mjs';
import { play } from './demo/stage.mjs';
import { ensureTestCerts } from './gen-test-certs.mjs';
import { mebibytes } from './lib/figures.mjs';
import { StepFailed, main, root } from './lib/run.mjs';

/** The file that is transferred: the running Node binary, as often as it takes to be large enough. */
async function fileOfEnough() {
  const file = process.execPath;
  const length = statSync(file).size;
  const times = Math.ceil(leastBytes / length);
  const hash = createHash('sha256');
  const source = { file, times, size: length * times };
  for await (const piece of fileBytes(source)) hash.update(piece);
  return { file: source, size: source.size, hash: hash.digest('hex') };
}

function positive(text, what) {
  const value = Number(text);
  if (!(value > 0 && value <= 40)) throw new StepFailed(`${what} is a number of seconds up to 40`);
  return value;
}

function writeReport(scenario, result, observed, work) {
  const folder = path.join(root, 'build/demo');
  mkdirSync(folder, { recursive: true });
  const { timeline } = observed;
  const html = path.join(folder, `${scenario.name}.html`);
  writeFileSync(html, reportHtml({ scenario, ...result, timeline, work }));
  return html;
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string' }, seconds: { type: 'string', default: '6' }, workers: { type: 'string', default: '1' }, 'full-speed': { type: 'boolean' },
    },
  });
  const wanted = scenarios.filter(({ name }) => values.scenario === undefined || name === values.scenario);
  if (wanted.length === 0) throw new StepFailed(`--scenario is one of ${scenarios.map(({ name }) => name).join(', ')}`);
  const seconds = positive(values.seconds, '--seconds');
  const certs = await ensureTestCerts();
  const pem = (name) => readFileSync(path.join(certs, name), 'utf8');
  const source = await fileOfEnough();
  const rate = values['full-speed'] ? 0 : source.size / seconds;
  const work = { ...source, rate, workers: Number(values.workers), ca: pem('ca.pem'), tls: { cert: pem('server.pem'), key: pem('server.key') } };
  const results = [];
  for (const scenario of wanted) {
    console.log(`${scenario.title}\n`);
    console.log(`           each client sends and receives ${mebibytes(work.size)}${rate > 0 ? ` at ${mebibytes(rate)}/s each way` : ''}, and asks a question every 10 ms`);
    const observed = await play(scenario, work);
    const result = evaluate(observed, work, scenario);
    printResult(result);
    console.log(`\nreport: ${path.relative(process.cwd(), writeReport(scenario, result, observed, work))}\n`);
    results.push({ name: scenario.name, ...result });
  }
  if (results.length > 1) printSummary(results);
  if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
});
