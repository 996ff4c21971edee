// Figures of all runs, put together and shown.
import { compact, median, textTable } from '../lib/figures.mjs';

/** One entry for each figure of each test: its runs, medians and ratios by subject. `runs` are { test, subject, values }. */
export function summarize(allTests, subjects, runs) {
  const [reference] = subjects;
  return allTests.flatMap((test) =>
    test.figures.map(({ name, unit, better }, index) => {
      const bySubject = {};
      for (const subject of subjects) {
        const values = runs.filter((run) => run.test === test.name && run.subject === subject.name).map((run) => run.values[index]);
        bySubject[subject.name] = { runs: values, median: median(values) };
      }
      const base = bySubject[reference.name].median;
      for (const subject of subjects.slice(1)) bySubject[subject.name].ratio = bySubject[subject.name].median / base;
      return { test: test.name, title: test.title, figure: name, unit, better, subjects: bySubject };
    }),
  );
}

/** The ratio, and whether it speaks for us. */
function ratioText({ ratio }, better) {
  if (!Number.isFinite(ratio)) return '-';
  const isBetter = better === 'more' ? ratio > 1 : ratio < 1;
  return `${ratio.toFixed(2)} ${isBetter ? '▲' : '▼'}`;
}

export function tableLines(summary, subjects) {
  const [reference, ...ours] = subjects;
  const titles = ['<', '<unit', reference.name, ...ours.flatMap(({ name }) => [name, 'ratio'])];
  const rows = [];
  let last;
  for (const { title, figure, unit, better, subjects: bySubject } of summary) {
    if (title !== last) rows.push([title, ...Array.from({ length: titles.length - 1 }, () => '')]);
    last = title;
    const cells = ours.flatMap(({ name }) => [compact(bySubject[name].median), ratioText(bySubject[name], better)]);
    rows.push([`  ${figure}`, unit, compact(bySubject[reference.name].median), ...cells]);
  }
  return textTable(titles, rows);
}

/** How far runs lie apart: the median over all figures of (largest - smallest) / median. */
export function typicalSpread(summary) {
  const spreads = summary
    .flatMap(({ subjects }) => Object.values(subjects))
    .filter(({ runs }) => runs.length > 1)
    .map(({ runs, median: middle }) => (Math.max(...runs) - Math.min(...runs)) / middle);
  return median(spreads);
}
