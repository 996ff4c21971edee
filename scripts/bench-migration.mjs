// How long the first request after a move of its server takes, in the simulator, beside the figures that were published for the
// first implementation of these protocols. Every sample is a connection of its own, from a seed: the same seeds, the same table.
//
//   npm run bench:migration                 1,000 samples of each: about two minutes on two cores
//   npm run bench:migration -- --count 100  for a first impression
//   npm run bench:migration -- --write      puts the table into the README
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { conditions, goals, mergeParts, statisticsOf } from './bench-migration/figures.mjs';
import { markdownLines, putInto, terminalLines } from './bench-migration/table.mjs';
import { buildCpp, testTree } from './build.mjs';
import { StepFailed, capture, main, root, run, seconds } from './lib/run.mjs';

/** Samples of all variants under one condition, the seeds shared out to as many processes as there are processors. */
async function sample({ name, loss, rttBefore }, first, count) {
  const began = Date.now();
  const shards = Math.min(os.availableParallelism(), count);
  const starts = Array.from({ length: shards + 1 }, (_, shard) => first + Math.floor((count * shard) / shards));
  const binary = path.join(testTree(), 'quic_bench_migration');
  const parts = await Promise.all(
    starts.slice(0, -1).map(async (start, shard) => {
      const result = await run(binary, [start, starts[shard + 1] - start, loss, rttBefore].map(String));
      if (!result.ok) throw new StepFailed(`${binary} failed\n${result.output}`);
      return result.output.trim().split('\n').map((line) => JSON.parse(line));
    }),
  );
  console.log(`  ${name} (${seconds(began)})`);
  return mergeParts(parts);
}

await main(async () => {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' }, write: { type: 'boolean' }, 'no-build': { type: 'boolean' } },
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!(count >= 2 && count <= 100_000)) throw new StepFailed('--count is from 2 to 100,000');
  if (!values['no-build']) await buildCpp({ targets: ['quic_bench_migration'] });
  const result = { date: new Date().toISOString().slice(0, 10), commit: capture('git', ['rev-parse', '--short', 'HEAD']) ?? 'none', seed, count, conditions: {} };
  for (const condition of conditions) result.conditions[condition.name] = statisticsOf(await sample(condition, seed, count));
  result.goals = goals(result.conditions);
  console.log('');
  for (const line of terminalLines(result)) console.log(line);
  mkdirSync(path.join(root, 'build/bench'), { recursive: true });
  const file = path.join(root, 'build/bench/migration.json');
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\n${path.relative(process.cwd(), file)}`);
  if (values.write) {
    const readme = path.join(root, 'README.md');
    writeFileSync(readme, putInto(readFileSync(readme, 'utf8'), markdownLines(result)));
  }
  if (!result.goals.every(({ isMet }) => isMet)) process.exitCode = 1;
});
