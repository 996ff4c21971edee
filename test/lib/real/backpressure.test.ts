// Back-pressure with the real addon: what is not read stops the writer, and nothing that was stopped stays stopped.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type QuicReceiveStream, type QuicSendStream } from '../../../lib/index.js';
import { nextStream, pair, pattern } from '../support/real.js';

const kPiece = 16 * 1024;
const kWindow = 1024 * 1024;

/** Writes until the stream takes nothing more for 300 ms; how many bytes it took. */
async function writeUntilItStops(stream: QuicSendStream, isEnough: () => boolean): Promise<number> {
  let taken = 0;
  for (;;) {
    let isStuck = false;
    const done = new Promise<void>((resolve) => stream.write(Buffer.alloc(kPiece), () => resolve()));
    await Promise.race([done.then(() => (taken += kPiece)), sleep(300).then(() => (isStuck = true))]);
    if (isStuck || isEnough()) return taken;
  }
}

describe.each([{ workers: 0, threaded: false }, { workers: 1, threaded: true }])('with $workers workers', ({ workers, threaded }) => {
  test('a reader that does not read stops the writer; when it reads, everything comes', async () => {
    await using both = await pair({ workers, limits: { streamWindow: kWindow, connectionWindow: 4 * kWindow } }, { threaded });
    const send = await both.client.openUnidirectionalStream();
    send.write('x');
    const receive = await nextStream<QuicReceiveStream>(both.accepted);
    let taken = 0;
    taken = await writeUntilItStops(send, () => taken > 64 * kWindow);
    // The window, what the native sides hold, what Node's streams hold.
    expect(taken).toBeGreaterThan(kWindow / 2);
    expect(taken).toBeLessThan(8 * kWindow);
    expect(receive.readableLength).toBeLessThan(kWindow);
    let received = 0;
    receive.on('data', (chunk: Buffer) => (received += chunk.byteLength));
    send.end();
    await once(receive, 'end');
    expect(received).toBe(1 + taken + kPiece);
  });

  test('small writes that leave at once never make a writer wait in vain', async () => {
    await using both = await pair({ workers }, { threaded });
    const send = await both.client.openUnidirectionalStream();
    send.write('x');
    const receive = await nextStream<QuicReceiveStream>(both.accepted);
    receive.resume();
    for (let i = 0; i < 300; i++) {
      await new Promise<void>((resolve, reject) => send.write(Buffer.alloc(10_000), (error) => (error ? reject(error) : resolve())));
      if (i % 10 === 0) await sleep(1);
    }
    send.end();
    await send.acknowledged;
  });

  test('a slow reader gets every byte once, in order', async () => {
    await using both = await pair({ workers, limits: { streamWindow: kWindow } }, { threaded });
    const bytes = pattern(3 * kWindow);
    const send = await both.client.openUnidirectionalStream();
    send.end(bytes);
    const receive = await nextStream<QuicReceiveStream>(both.accepted);
    let offset = 0;
    for await (const chunk of receive) {
      expect(bytes.subarray(offset, offset + (chunk as Buffer).byteLength).equals(chunk as Buffer)).toBe(true);
      offset += (chunk as Buffer).byteLength;
      if (offset % 7 === 0) await sleep(1);
    }
    expect(offset).toBe(bytes.byteLength);
  });

  test('one stream that nobody reads does not stop the others', async () => {
    await using both = await pair({ workers, limits: { streamWindow: kWindow, connectionWindow: 8 * kWindow } }, { threaded });
    const stuck = await both.client.openUnidirectionalStream();
    stuck.write(Buffer.alloc(4 * kWindow));
    await nextStream<QuicReceiveStream>(both.accepted);
    for (let i = 0; i < 20; i++) {
      const send = await both.client.openUnidirectionalStream();
      send.end(Buffer.alloc(kWindow / 4));
      const receive = await nextStream<QuicReceiveStream>(both.accepted);
      let received = 0;
      for await (const chunk of receive) received += (chunk as Buffer).byteLength;
      expect(received).toBe(kWindow / 4);
    }
  });
});

test('streams that nobody takes are not raised in number', async () => {
  await using both = await pair({ limits: { unidirectionalStreams: 4 } });
  let opened = 0;
  const opening = (async () => {
    for (;;) {
      const send = await both.client.openUnidirectionalStream();
      send.end('x');
      opened++;
    }
  })();
  opening.catch(() => undefined);
  await sleep(300);
  expect(opened).toBe(4);
  for (let i = 0; i < 4; i++) (await nextStream<QuicReceiveStream>(both.accepted)).resume();
  await sleep(300);
  expect(opened).toBeGreaterThan(4);
});
