// The MUST sentences of an RFC's plain text: which section, which one of that section, and a fingerprint of its words.
// The texts themselves stay outside of this repository; what is kept is section, number, fingerprint and our own words.
import { createHash } from 'node:crypto';

const heading = /^(\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)\.\s{1,3}\S/;
const must = /\b(?:MUST|SHALL|REQUIRED)\b/;
/** Where RFC 2119's words are only explained. */
const explains = /"MUST", "MUST NOT"/;

/** Paragraphs with their section: lines that belong together, joined. Page breaks and headers of old texts are skipped. */
function* paragraphs(text) {
  let section = '0';
  let lines = [];
  for (const line of [...text.split('\n'), '']) {
    if (line.includes('\f') || /^\S.*\[Page \d+\]$/.test(line) || /^RFC \d+ .* \d{4}$/.test(line)) continue;
    const found = heading.exec(line);
    if (found && !line.includes('....')) section = found[1];
    const isItem = /^\s+(?:\*|o|-|\d+\.)\s{2,}\S/.test(line);
    if ((line.trim() === '' || found || isItem) && lines.length > 0) {
      yield { section, text: lines.join(' ').replace(/\s+/g, ' ').trim() };
      lines = [];
    }
    if (line.trim() !== '' && !found) lines.push(line.trim());
  }
}

/** Splits at full stops that end a sentence: not after "e.g." and "i.e.", not within numbers and names. */
function sentencesOf(paragraph) {
  return paragraph.split(/(?<!\be\.g|\bi\.e|\bvs)\.\s+(?=[A-Z"(])/);
}

export function fingerprint(sentence) {
  const words = sentence.toLowerCase().replace(/[^a-z0-9]+/g, ' ').trim();
  return createHash('sha256').update(words).digest('hex').slice(0, 8);
}

/** `[{ section, number, print, sentence }]` in the order of the text; `number` counts from 1 within a section. */
export function mustSentences(text) {
  const found = [];
  const counts = new Map();
  for (const paragraph of paragraphs(text)) {
    for (const sentence of sentencesOf(paragraph.text)) {
      if (!must.test(sentence) || explains.test(sentence)) continue;
      const number = (counts.get(paragraph.section) ?? 0) + 1;
      counts.set(paragraph.section, number);
      found.push({ section: paragraph.section, number, print: fingerprint(sentence), sentence });
    }
  }
  return found;
}
