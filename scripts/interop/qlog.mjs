// qlog records to files: one for each connection, in the folder that QLOGDIR names.
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';

let count = 0;

export function qlogTo(folder, who) {
  mkdirSync(folder, { recursive: true });
  const file = createWriteStream(path.join(folder, `${who.replaceAll(/[^\w-]/g, '_')}-${process.pid}-${++count}.sqlog`));
  return (record) => file.write(record);
}
