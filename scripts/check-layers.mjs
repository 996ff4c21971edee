// Who may include whom: reads cpp/layers.txt (its header says the format) and every #include of cpp/ and binding/.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { lineAt, runAlone } from './lib/check.mjs';
import { blank, includes } from './lib/cpp.mjs';
import { read, sourceFiles } from './lib/files.mjs';

const split = (text) => text.trim().split(/\s+/).filter((word) => word !== '');

/** Reads cpp/layers.txt: { layers: Map(layer → Set), only: [...], system: [...], call: [...] }. */
export function readRules(text) {
  const rules = { layers: new Map(), only: [], system: [], call: [] };
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(?:^|\s)#.*$/, '').trim();
    if (line === '') continue;
    const colon = line.lastIndexOf(':');
    if (colon === -1) throw new Error(`cpp/layers.txt: no colon in "${line}"`);
    const left = line.slice(0, colon).trim();
    const allowed = new Set(split(line.slice(colon + 1)));
    const [word, ...rest] = split(left);
    if (rest.length === 0) rules.layers.set(word, allowed);
    else if (word === 'only') rules.only.push({ header: rest[0], allowed });
    else if (word === 'system') rules.system.push({ patterns: rest.map(globToRegExp), allowed });
    else if (word === 'call') rules.call.push({ pattern: left.slice('call'.length).trim(), allowed });
    else throw new Error(`cpp/layers.txt: cannot read "${line}"`);
  }
  return rules;
}

function globToRegExp(glob) {
  return new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`);
}

/** The layer of a path like quic/state/X.h, io/X.h or binding/X.h; undefined for what is none. */
function layerOf(name) {
  const parts = name.split('/');
  if (parts[0] === 'quic') return parts.length === 2 ? 'common' : parts[1];
  return parts[0] === 'io' || parts[0] === 'binding' ? parts[0] : undefined;
}

function checkFile(root, file, rules) {
  const findings = [];
  const name = file.replace(/^cpp\//, '');
  const layer = layerOf(name);
  const mayUse = rules.layers.get(layer);
  if (mayUse === undefined) return [`${file}:1: is in no layer of cpp/layers.txt`];
  const isAllowed = (allowed) => allowed.has(layer) || allowed.has(name);
  const source = read(root, file);

  for (const { target, isSystem, line } of includes(source)) {
    const at = `${file}:${line}:`;
    if (/\.(?:cpp|cc|c)$/.test(target)) findings.push(`${at} includes a source file, ${target}`);
    for (const { patterns, allowed } of rules.system) {
      if (patterns.some((pattern) => pattern.test(target)) && !isAllowed(allowed)) {
        findings.push(`${at} <${target}> is only for ${[...allowed].join(', ')}`);
      }
    }
    const to = layerOf(target);
    if (isSystem || to === undefined) {
      if (!isSystem && layer !== 'binding') findings.push(`${at} "${target}" should be named from cpp/, like "quic/common/Bytes.h"`);
      continue;
    }
    if (to !== layer && !mayUse.has(to)) findings.push(`${at} ${layer} may not include ${to} (${target})`);
    for (const { header, allowed } of rules.only) {
      if (target === header && name !== header && !isAllowed(allowed)) {
        findings.push(`${at} ${header} is only for ${[...allowed].join(', ')}`);
      }
    }
  }

  const code = blank(source);
  for (const { pattern, allowed } of rules.call) {
    if (isAllowed(allowed)) continue;
    for (const match of code.matchAll(new RegExp(pattern, 'g'))) {
      findings.push(`${file}:${lineAt(code, match.index)}: ${match[0]} is only for ${[...allowed].join(', ')}`);
    }
  }
  return findings;
}

/** The allowed edges must have no cycle, or the layers would be a wish. */
function findCycle(layers) {
  const state = new Map();
  const visit = (layer, trail) => {
    if (state.get(layer) === 'done') return undefined;
    if (state.get(layer) === 'open') return [...trail, layer];
    state.set(layer, 'open');
    for (const next of layers.get(layer) ?? []) {
      const cycle = visit(next, [...trail, layer]);
      if (cycle) return cycle;
    }
    state.set(layer, 'done');
    return undefined;
  };
  for (const layer of layers.keys()) {
    const cycle = visit(layer, []);
    if (cycle) return cycle;
  }
  return undefined;
}

export function checkLayers(root) {
  if (!existsSync(path.join(root, 'cpp/layers.txt'))) return { findings: ['cpp/layers.txt:1: is missing'] };
  const rules = readRules(read(root, 'cpp/layers.txt'));
  const cycle = findCycle(rules.layers);
  const findings = cycle ? [`cpp/layers.txt:1: a cycle: ${cycle.join(' -> ')}`] : [];
  for (const file of sourceFiles(root, ['cpp', 'binding'], ['.h', '.cpp', '.cc'])) findings.push(...checkFile(root, file, rules));
  return { findings };
}

await runAlone(import.meta, 'layers', checkLayers);
