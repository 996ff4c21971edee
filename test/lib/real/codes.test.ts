// What one application says with codes, and what the other hears, through the real addon.
import { finished } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { QuicError, type QuicReceiveStream, type QuicStream } from '../../../lib/index.js';
import { rejection } from '../support/fixtures.js';
import { nextStream, pair } from '../support/real.js';

const kBig = 2n ** 61n + 3n;

async function streams(both: Awaited<ReturnType<typeof pair>>): Promise<{ ours: QuicStream; theirs: QuicStream }> {
  const ours = await both.client.openStream();
  ours.write('x');
  return { ours, theirs: await nextStream<QuicStream>(both.accepted) };
}

test('destroy(error) is heard with its code, all 62 bits', async () => {
  await using both = await pair();
  const { ours, theirs } = await streams(both);
  ours.on('error', () => undefined);
  ours.destroy(new QuicError('no', { wireCode: kBig }));
  expect(await rejection(finished(theirs))).toMatchObject({ code: expect.stringMatching(/^ERR_QUIC_STREAM_(?:RESET|STOPPED)$/), wireCode: kBig, initiator: 'remote' });
});

test('resetStream leaves the other direction alone when the peer has split', async () => {
  await using both = await pair();
  const { ours, theirs } = await streams(both);
  const { send, receive } = theirs.split();
  ours.resetStream(7);
  expect(await rejection(finished(receive))).toMatchObject({ code: 'ERR_QUIC_STREAM_RESET', wireCode: 7n });
  send.end('still here');
  expect(await text(ours)).toBe('still here');
});

test('stopSending leaves the other direction alone when the peer has split', async () => {
  await using both = await pair();
  const { ours, theirs } = await streams(both);
  const { send, receive } = theirs.split();
  ours.stopSending(8);
  send.write('for nobody');
  expect(await rejection(finished(send))).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED', wireCode: 8n });
  ours.end(' and y');
  expect(await text(receive)).toBe('x and y');
});

test('an answer before the whole question was read', async () => {
  await using both = await pair();
  const ours = await both.client.openStream();
  ours.end(Buffer.alloc(4_000_000));
  const theirs = await nextStream<QuicStream>(both.accepted);
  theirs.stopSending(1);
  theirs.end('enough');
  expect(await text(ours)).toBe('enough');
});

test('a receiving stream that stops', async () => {
  await using both = await pair();
  const send = await both.client.openUnidirectionalStream();
  send.write('x');
  const receive = await nextStream<QuicReceiveStream>(both.accepted);
  receive.stopSending(9);
  expect(await rejection(finished(send))).toMatchObject({ code: 'ERR_QUIC_STREAM_STOPPED', wireCode: 9n });
});

test('close() with code 0 is a clean end on both sides', async () => {
  await using both = await pair();
  await both.client.close();
  await both.accepted.closed;
});

test('close() with a code is an error at the peer, with code and reason', async () => {
  await using both = await pair();
  await both.accepted.close({ code: kBig, reason: 'maintenance' });
  expect(await rejection(both.client.closed)).toMatchObject({ code: 'ERR_QUIC_APPLICATION', wireCode: kBig, reason: 'maintenance', initiator: 'remote' });
});

test('destroy(error) fails streams here and there', async () => {
  await using both = await pair();
  const { ours, theirs } = await streams(both);
  const error = new QuicError('mine', { wireCode: 4, reason: 'theirs' });
  both.client.destroy(error);
  expect(await rejection(finished(ours))).toBe(error);
  expect(await rejection(both.client.closed)).toBe(error);
  expect(await rejection(finished(theirs))).toMatchObject({ code: 'ERR_QUIC_APPLICATION', wireCode: 4n, reason: 'theirs' });
});

test('close() lets streams finish on both sides', async () => {
  await using both = await pair();
  const { ours, theirs } = await streams(both);
  ours.end('yz');
  const closed = both.client.close();
  expect(await text(theirs)).toBe('xyz');
  theirs.end(Buffer.alloc(1_000_000));
  expect(await text(ours)).toHaveLength(1_000_000);
  await closed;
});

test('an idle connection ends by itself, with an error of its own', async () => {
  await using both = await pair({ idleTimeout: 300 }, { idleTimeout: 300 });
  const began = Date.now();
  expect(await rejection(both.client.closed)).toMatchObject({ code: 'ERR_QUIC_IDLE_TIMEOUT', initiator: 'local' });
  expect(Date.now() - began).toBeLessThan(3000);
});

test('a connection that is kept alive does not', async () => {
  await using both = await pair({ idleTimeout: 400 }, { idleTimeout: 400, keepAliveInterval: 100 });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const stream = await both.client.openUnidirectionalStream();
  stream.end('still there');
  expect(await text(await nextStream<QuicReceiveStream>(both.accepted))).toBe('still there');
});
