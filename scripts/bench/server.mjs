// The server of one subject, a process of its own.
import { setTimeout as delay } from 'node:timers/promises';
import { answer } from '../lib/remote.mjs';

const kSettleMs = 200;

let server;

answer(
  {
    async listen({ subject, tls }) {
      const transport = await import(`./${subject.transport}.mjs`);
      server = await transport.listen(subject, tls);
      return server.port;
    },
    /** Milliseconds of all threads so far. */
    cpu() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    /** Bytes, once garbage is gone. */
    async memory() {
      await delay(kSettleMs);
      globalThis.gc?.();
      await delay(kSettleMs);
      globalThis.gc?.();
      return process.memoryUsage.rss();
    },
  },
  () => server?.close(),
);
