// The file format of test/rfc/rfcNNNN.txt, see scripts/rfc.mjs.
const head = /^§([0-9A-Z.]+)-(\d+) ([0-9a-f]{8}) (\S.*)$/;

/** `[{ id, section, number, print, gist, tests, exception }]`. Throws on a line that it does not understand. */
export function parseEntries(text) {
  const entries = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const found = head.exec(line);
    if (found) {
      const [, section, number, print, gist] = found;
      entries.push({ id: `${section}-${number}`, section, number: Number(number), print, gist, tests: [] });
      continue;
    }
    const [, kind, rest] = /^ {2}(test|except) (\S.*)$/.exec(line) ?? [];
    if (!kind || entries.length === 0) throw new Error(`line ${index + 1} is no entry: ${line}`);
    if (kind === 'test') entries.at(-1).tests.push(rest.trim());
    else entries.at(-1).exception = rest.trim();
  }
  return entries;
}
