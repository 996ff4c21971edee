// What a reader must know of the machine to judge the figures.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { capture } from '../lib/run.mjs';

const kSampleMs = 500;
const kTooBusy = 0.1;

function setting(name) {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The share of all CPUs that others use now. */
async function busyShare() {
  const sample = () => {
    const times = os.cpus().map((cpu) => cpu.times);
    const sum = (of) => times.reduce((total, each) => total + of(each), 0);
    return { idle: sum(({ idle }) => idle), all: sum((each) => Object.values(each).reduce((total, value) => total + value, 0)) };
  };
  const before = sample();
  await delay(kSampleMs);
  const after = sample();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

export async function machineFacts() {
  return {
    date: new Date().toISOString(),
    commit: capture('git', ['rev-parse', '--short', 'HEAD']) ?? 'none',
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    opensslOfNode: process.versions.openssl,
    busyShare: await busyShare(),
    loadAverage: os.loadavg()[0],
    largestReceiveBuffer: setting('net/core/rmem_max'),
  };
}

export function factLines(facts) {
  return [
    `${facts.cpu}, ${facts.cpus} CPUs, ${Math.round(facts.memoryBytes / 2 ** 30)} GiB, ${facts.kernel}`,
    `Node ${facts.node} (its OpenSSL: ${facts.opensslOfNode}), rmem_max ${facts.largestReceiveBuffer ?? 'unknown'}, commit ${facts.commit}, ${facts.date}`,
    `busy with other work just before: ${(facts.busyShare * 100).toFixed(0)} %${facts.busyShare > kTooBusy ? ' (too much: do not trust the figures)' : ''}; load average ${facts.loadAverage.toFixed(2)}`,
  ];
}
