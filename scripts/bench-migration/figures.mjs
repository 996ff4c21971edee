// What is measured, what was published, and what is to be reached. Milliseconds.
import { quantile } from '../lib/figures.mjs';

/**
 * The path before the move is the near one too, or that of the published experiment (122 ms, then 18 ms): how long a client
 * takes to notice that its server is silent depends on it. `loss` is each way: 1.5 % each way is what was published as 3 %.
 */
export const conditions = [
  { name: 'no loss', loss: 0, rttBefore: 18 },
  { name: '3 % loss', loss: 0.015, rttBefore: 18 },
  { name: '3 % loss each way', loss: 0.03, rttBefore: 18 },
  { name: 'no loss, from 122 ms', loss: 0, rttBefore: 122 },
  { name: '3 % loss, from 122 ms', loss: 0.015, rttBefore: 122 },
];

/**
 * Computed from the raw data of github.com/diegocasu/proxygen (proxygen/httpserver/samples/servermigration/analysis, experiment
 * 1, head 408df7f of 2022-10-31): service time of the first request after a move with runC and CRIU, from a path of 122 ms and
 * 13 Mb/s to one of 18 ms and 100 Mb/s, n = 100 less what failed. The path of the baseline is the near one.
 */
export const published = {
  'no migration': { noLoss: { mean: 20.45, max: 21.3, failed: 0 }, loss: { mean: 21.56, p95: 20.9, max: 126, failed: 0 } },
  'explicit-proactive': { noLoss: { mean: 21.44, max: 22.3, failed: 0 }, loss: { mean: 25.63, p95: 22.0, max: 154, failed: 5 } },
  'explicit-reactive': { noLoss: { mean: 287.7, max: 308, failed: 0 }, loss: { mean: 285.7, p95: 306, max: 419, failed: 3 } },
  'pool-1': { noLoss: { mean: 402.8, max: 522, failed: 0 }, loss: { mean: 450.6, p95: 525, max: 3353, failed: 0 } },
  'pool-2': { noLoss: { mean: 575.9, max: 935, failed: 0 }, loss: { mean: 764.5, p95: 935, max: 6558, failed: 0 } },
  'pool-3': { noLoss: { mean: 773.1, max: 1746, failed: 0 }, loss: { mean: 1595, p95: 1752, max: 25_789, failed: 0 } },
  symmetric: { noLoss: { mean: 20.87, max: 21.4, failed: 0 }, loss: { mean: 22.92, p95: 21.4, max: 125, failed: 0 } },
};

/** [{ name, ms, failures }] of several processes, as one list. */
export function mergeParts(parts) {
  return parts[0].map(({ name }, index) => ({
    name,
    ms: parts.flatMap((part) => part[index].ms),
    failures: parts.flatMap((part) => part[index].failures),
  }));
}

/** By variant: mean with the half width of its 95 % interval (normal approximation), 95th percentile, maximum, failures. */
export function statisticsOf(samples) {
  return Object.fromEntries(
    samples.map(({ name, ms, failures }) => {
      const mean = ms.reduce((sum, value) => sum + value, 0) / ms.length;
      const variance = ms.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (ms.length - 1);
      return [name, { n: ms.length, mean, interval: 1.96 * Math.sqrt(variance / ms.length), median: quantile(ms, 0.5), p95: quantile(ms, 0.95), max: Math.max(...ms), failed: failures.length, failures: failures.slice(0, 10) }];
    }),
  );
}

/** Whether what was set out to be reached is: [{ what, isMet, detail }]. */
export function goals(byCondition) {
  const all = [];
  for (const [condition, variants] of Object.entries(byCondition)) {
    const limit = 1.1 * variants['no migration'].mean;
    for (const name of ['symmetric', 'explicit-proactive']) {
      const { mean } = variants[name];
      all.push({ what: `${name}, ${condition}: within 1.1 times no migration`, isMet: mean <= limit, detail: `${mean.toFixed(2)} of ${limit.toFixed(2)} ms` });
    }
    const failed = Object.entries(variants).filter((each) => each[1].failed > 0);
    all.push({ what: `${condition}: no failure`, isMet: failed.length === 0, detail: failed.map(([name, { failed: times }]) => `${name} ${times}`).join(', ') });
  }
  for (const [condition, key] of [['no loss, from 122 ms', 'noLoss'], ['3 % loss, from 122 ms', 'loss']]) {
    for (const name of ['explicit-reactive', 'pool-1', 'pool-2', 'pool-3']) {
      const theirs = published[name][key].mean;
      for (const ours of [name, `${name} behind a NAT`]) {
        const { mean } = byCondition[condition][ours];
        all.push({ what: `${ours}, ${condition}: better than published`, isMet: mean < theirs, detail: `${mean.toFixed(0)} and ${theirs.toFixed(0)} ms` });
      }
    }
  }
  return all;
}
