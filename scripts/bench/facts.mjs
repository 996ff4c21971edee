// What a reader must know of the machine to judge the figures.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { capture } from '../lib/run.mjs';

function setting(name) {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'utf8'));
  } catch {
    return undefined;
  }
}

export function machineFacts() {
  return {
    date: new Date().toISOString(),
    commit: capture('git', ['rev-parse', '--short', 'HEAD']) ?? 'none',
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    opensslOfNode: process.versions.openssl,
    loadAverage: os.loadavg()[0],
    largestReceiveBuffer: setting('net/core/rmem_max'),
  };
}

export function factLines(facts) {
  return [
    `${facts.cpu}, ${facts.cpus} CPUs, ${Math.round(facts.memoryBytes / 2 ** 30)} GiB, ${facts.kernel}`,
    `Node ${facts.node} (its OpenSSL: ${facts.opensslOfNode}), rmem_max ${facts.largestReceiveBuffer ?? 'unknown'}, commit ${facts.commit}, ${facts.date}`,
    `load average at the start: ${facts.loadAverage.toFixed(2)}${facts.loadAverage > facts.cpus / 4 ? '  (the machine is busy: do not trust the figures)' : ''}`,
  ];
}
