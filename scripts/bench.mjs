// Speed beside node:tls over TCP on loopback, client and server in processes of their own. Subjects take turns within each
// round, and the figures are medians over the rounds. Prints a table with ratios and writes all runs to build/bench/.
//
//   npm run bench                        about four minutes
//   npm run bench -- --quick             about half a minute, for a first impression
//   node scripts/bench.mjs --all         with more ways to share the work between threads
//   node scripts/bench.mjs --only=NAME   one test: upload, download, sequential, in-flight, handshakes, handshakes-16, idle
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { factLines, machineFacts } from './bench/facts.mjs';
import { Pair } from './bench/pair.mjs';
import { legend, subjectsOf } from './bench/subjects.mjs';
import { summarize, tableLines, typicalSpread } from './bench/table.mjs';
import { rounds as roundsOf, tests as testsOf } from './bench/tests.mjs';
import { ensureTestCerts } from './gen-test-certs.mjs';
import { compact } from './lib/figures.mjs';
import { StepFailed, main, root, seconds } from './lib/run.mjs';

class Bench {
  runs = [];
  failures = [];
  #subjects;
  #tls;
  #pairs = new Map();

  constructor(subjects, tls) {
    this.#subjects = subjects;
    this.#tls = tls;
  }

  async round(number, tests) {
    const subjects = this.#subjects;
    for (const test of tests) {
      if (number >= (test.mostRounds ?? Infinity)) continue;
      // Who goes first changes from round to round.
      for (let turn = 0; turn < subjects.length; turn++) {
        const subject = subjects[(turn + number) % subjects.length];
        if (!this.#hasFailed(test, subject)) await this.#once(test, subject);
      }
    }
  }

  async end() {
    for (const [name, pair] of this.#pairs) await pair.end().catch((error) => this.failures.push({ subject: name, message: error.message }));
  }

  #hasFailed(test, subject) {
    return this.failures.some((failure) => failure.test === test.name && failure.subject === subject.name);
  }

  async #once(test, subject) {
    const began = Date.now();
    let pair;
    try {
      pair = await this.#pairFor(subject, test.fresh);
      const values = await pair.run(test);
      this.runs.push({ test: test.name, subject: subject.name, values });
      if (test.fresh) await pair.end();
      const [{ name, unit }] = test.figures;
      console.log(`  ${test.title}, ${subject.name}: ${name} ${compact(values[0])} ${unit} (${seconds(began)})`);
    } catch (error) {
      console.log(`✘ ${test.title}, ${subject.name}: ${error.remoteStack ?? error.stack ?? error.message}`);
      this.failures.push({ test: test.name, subject: subject.name, message: error.message });
      await pair?.kill();
      this.#pairs.delete(subject.name);
    }
  }

  async #pairFor(subject, isFresh) {
    if (!isFresh && this.#pairs.has(subject.name)) return this.#pairs.get(subject.name);
    const pair = new Pair(subject);
    if (!isFresh) this.#pairs.set(subject.name, pair);
    try {
      await pair.start(this.#tls);
    } catch (error) {
      this.#pairs.delete(subject.name);
      await pair.kill();
      throw error;
    }
    return pair;
  }
}

function save(result) {
  const folder = path.join(root, 'build/bench');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${result.facts.date.slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return path.relative(process.cwd(), file);
}

await main(async () => {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, all: { type: 'boolean', default: false }, only: { type: 'string' }, rounds: { type: 'string' } } });
  const size = { isQuick: values.quick };
  const subjects = subjectsOf({ isAll: values.all });
  const tests = testsOf(size).filter(({ name }) => values.only === undefined || name === values.only);
  if (tests.length === 0) throw new StepFailed(`--only is one of ${testsOf(size).map(({ name }) => name).join(', ')}`);
  const rounds = values.rounds === undefined ? roundsOf(size) : Number(values.rounds);
  if (!(rounds >= 1 && rounds <= 50)) throw new StepFailed('--rounds is from 1 to 50');
  const certs = await ensureTestCerts();
  const pem = (name) => readFileSync(path.join(certs, name), 'utf8');
  const began = Date.now();
  const facts = await machineFacts();
  for (const line of factLines(facts)) console.log(line);
  const bench = new Bench(subjects, { cert: pem('server.pem'), key: pem('server.key'), ca: pem('ca.pem') });
  for (let round = 0; round < rounds; round++) {
    console.log(`\nround ${round + 1} of ${rounds}`);
    await bench.round(round, tests);
  }
  await bench.end();
  const summary = summarize(tests, subjects, bench.runs);
  console.log('');
  for (const line of tableLines(summary, subjects)) console.log(line);
  console.log(`\nMedians of ${rounds} runs${rounds > 1 ? `, which typically lie ${(typicalSpread(summary) * 100).toFixed(0)} % apart` : ''}. A ratio is ours to node:tls: ▲ better, ▼ worse.`);
  for (const line of legend(subjects)) console.log(line);
  console.log(`\n${save({ facts, rounds, isQuick: values.quick, subjects, failures: bench.failures, summary })} (${seconds(began)})`);
  for (const { subject, test, message } of bench.failures) console.log(`✘ ${subject}${test ? `, ${test}` : ''}: ${message}`);
  if (bench.failures.length > 0) process.exitCode = 1;
});
