// The maps from what must hold to the tests that show it: test/rfc. Red when a map names a test that does not exist, when a
// test's file does not name the row, and when a row has no test: of an RFC where nothing may be missing (scripts/rfc.mjs says
// where), of the tables anywhere. What else has no test yet is told as a note, see `npm run rfc -- --missing`.
import { runAlone } from './lib/check.mjs';
import { report, testNames } from './rfc.mjs';
import { reportBehaviours } from './rfc/behaviours.mjs';
import { reportTables } from './rfc/tables.mjs';

export function checkCoverage(root) {
  const rfcs = report(root);
  const tables = reportTables(root);
  const behaviours = reportBehaviours(root, testNames(root));
  const findings = [
    ...rfcs.faults,
    ...rfcs.gaps,
    ...tables.flatMap(({ faults }) => faults),
    ...tables.flatMap(({ name, missing }) => missing.map(({ id, gist }) => `${name} ${id}: no test: ${gist}`)),
    ...behaviours.findings,
  ];
  const notes = rfcs.rows
    .filter(({ missing }) => missing.length > 0)
    .map(({ document, missing }) => `RFC ${document}: ${missing.length} MUST sentences without a test`);
  return { findings, notes: [...notes, ...behaviours.notes] };
}

await runAlone(import.meta, 'coverage', checkCoverage);
