// The maps from what must hold to the tests that show it: test/rfc. Red when a map names a test that does not exist, or a test
// whose file does not name the row. What has no test yet is told as a note, see `npm run rfc`.
import { runAlone } from './lib/check.mjs';
import { report } from './rfc.mjs';
import { reportTables } from './rfc/tables.mjs';

export function checkCoverage(root) {
  const rfcs = report(root);
  const tables = reportTables(root);
  const notes = [
    ...rfcs.rows.filter(({ missing }) => missing.length > 0).map(({ document, missing }) => `RFC ${document}: ${missing.length} MUST sentences without a test`),
    ...tables.filter(({ missing }) => missing.length > 0).map(({ name, missing }) => `${name}: no test for ${missing.map(({ id }) => id).join(', ')}`),
  ];
  return { findings: [...rfcs.faults, ...tables.flatMap(({ faults }) => faults)], notes };
}

await runAlone(import.meta, 'coverage', checkCoverage);
