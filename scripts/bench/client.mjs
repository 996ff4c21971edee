// The client of one subject, a process of its own.
import { answer } from '../lib/remote.mjs';
import { prepare } from './load.mjs';

let open;
let prepared;

answer(
  {
    async target({ subject, port, ca }) {
      const transport = await import(`./${subject.transport}.mjs`);
      open = () => transport.open(subject, { port, ca });
    },
    /** The load once in small, then ready to be measured. */
    async prepare(test) {
      const warming = await prepare(open, { ...test, ...test.warmUp });
      await warming.measure();
      await warming.tidy();
      prepared = await prepare(open, test);
    },
    async measure() {
      const before = process.cpuUsage();
      const result = await prepared.measure();
      const { user, system } = process.cpuUsage(before);
      return { result, client: (user + system) / 1000 };
    },
    async tidy() {
      await prepared.tidy();
      prepared = undefined;
    },
  },
  () => prepared?.tidy(),
);
