// A worker thread that asks one question, tells the answer, and goes on asking if its number is 0.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parentPort, workerData } from 'node:worker_threads';
import { connect } from '../../../../dist/esm/index.js';

const connection = await connect(workerData.address, { alpn: ['test'], tls: { ca: readFileSync(workerData.ca, 'utf8') } });

async function ask(question) {
  const stream = await connection.openStream();
  stream.end(question);
  return text(stream);
}

parentPort.postMessage(await ask(String(workerData.n)));
while (workerData.n === 0) await ask('again');
await connection.close();
