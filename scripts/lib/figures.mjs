// Numbers for people: order statistics, and tables of text.

/** The value below which the share `q` of `values` lies; NaN of nothing. */
export function quantile(values, q) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values) {
  return quantile(values, 0.5);
}

/** A number with about three significant digits, and thousands apart. */
export function compact(value) {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function wholeNumber(value) {
  return value.toLocaleString('en-US');
}

export function mebibytes(bytes) {
  return `${compact(bytes / 2 ** 20)} MiB`;
}

/** Lines of a table. Columns whose title starts with '<' are set to the left. */
export function textTable(titles, rows) {
  const isLeft = titles.map((title) => title.startsWith('<'));
  const cells = [titles.map((title) => title.replace(/^</, '')), ...rows.map((row) => row.map(String))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => (isLeft[column] ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd();
  return [line(cells[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.slice(1).map(line)];
}
