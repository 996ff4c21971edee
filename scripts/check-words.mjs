// Words that must not get into the repository: paths of somebody's machine, hosts of package registries, notes to oneself
// without an issue number, and tests that are switched off. `--hosts a,b` adds hosts to look for.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { projectFiles, read } from './lib/files.mjs';
import { capture } from './lib/run.mjs';

const isText = (name) => !/\.(?:png|jpg|gif|ico|pdf|gz|xz|zip|node|bin|pem|der)$/.test(name) && !name.startsWith('test/fuzz/corpus/');
const isSource = (name) => /\.(?:h|cpp|cc|c|ts|cts|mts|js|mjs|cjs|sh|txt)$/.test(name) || name.startsWith('.ci/');

/** The hosts this machine gets its packages from, taken from its own configuration: none is written here. */
function configuredHosts() {
  const texts = [capture('npm', ['config', 'get', 'registry']) ?? ''];
  const folder = '/etc/apt/sources.list.d';
  const sources = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  for (const file of ['/etc/apt/sources.list', ...sources]) if (existsSync(file)) texts.push(readFileSync(file, 'utf8'));
  const hosts = texts.flatMap((text) => [...text.matchAll(/https?:\/\/(?:[^/@\s]*@)?([^/:\s]+)/g)].map((match) => match[1]));
  return [...new Set(hosts)].filter((host) => host.includes('.'));
}

// The words are put together here so that this file does not contain them.
const word = (...parts) => parts.join('');
const notes = [word('TO', 'DO'), word('FIX', 'ME'), word('X', 'XX')];
const off = [word('DISABLED', '_'), word('GTEST', '_SKIP'), `\\b(?:it|test|describe)\\s*\\.\\s*(?:${['skip', 'only', 'todo'].join('|')})\\b`, '(?<![\\w.])(?:xit|xtest|xdescribe|fit|fdescribe)\\s*\\('];

function rules(hosts) {
  const escaped = hosts.map((host) => host.replaceAll('.', '\\.'));
  const general = '(?:registry|packages|pypi|proxy|deb|archive|mirrors?)\\.[a-z0-9-]+\\.(?:org|com|net|io|dev)';
  return [
    { what: 'a path of a machine', pattern: /(?:^|[^\w.~}-])\/(?:work|root|home\/[a-z]\w*|Users\/\w+)\//, applies: () => true },
    { what: "a package registry's host", pattern: new RegExp(`\\b(?:${[...escaped, general].join('|')})\\b`), applies: () => true },
    { what: 'a note without an issue number', pattern: new RegExp(`\\b(?:${notes.join('|')})\\b(?!\\s*\\(?#\\d+)`), applies: isSource },
    { what: 'a test that is switched off', pattern: new RegExp(off.join('|')), applies: (name) => name.startsWith('test/') },
  ];
}

export function checkWords(root, options = {}) {
  const findings = [];
  const all = rules([...configuredHosts(), ...(options.hosts?.split(',') ?? [])]);
  for (const file of projectFiles(root).filter(isText)) {
    const active = all.filter(({ applies }) => applies(file));
    read(root, file)
      .split('\n')
      .forEach((text, index) => {
        for (const { what, pattern } of active) {
          const match = pattern.exec(text);
          if (match) findings.push(`${file}:${index + 1}: ${what}: ${match[0].trim()}`);
        }
      });
  }
  return { findings };
}

await runAlone(import.meta, 'words', checkWords, { hosts: { type: 'string' } });
