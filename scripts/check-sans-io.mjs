// The core does no input, no output, reads no clock and no entropy: its archive, linked into one object, must not need any
// function that could. `--archive FILE` names another one; the default is build/libquic_core.a.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { run } from './lib/run.mjs';

/** Undefined symbols that a pure machine has no use for, as `nm -C` prints them. */
const forbidden = [
  /^(?:__)?(?:recv|send)(?:msg|mmsg|from|to)?(?:_chk)?$/,
  /^(?:socket|bind|connect|listen|accept4?|shutdown|getsockname|getpeername|[gs]etsockopt|getaddrinfo)$/,
  /^(?:epoll_\w+|poll|ppoll|__poll_chk|select|eventfd|timerfd_\w+|ioctl|fcntl(?:64)?)$/,
  /^(?:clock_gettime|gettimeofday|time|nanosleep|clock_nanosleep|usleep|sleep)$/,
  /^(?:getrandom|getentropy|arc4random\w*|rand|srand|random|srandom)$/,
  /^(?:pthread_\w+|thrd_\w+|mtx_\w+|fork|execv\w*|system|getenv|setenv)$/,
  /^(?:open(?:64|at)?|read|write|pread(?:64)?|pwrite(?:64)?|close|fopen(?:64)?|fread|fwrite|__read_chk|mmap|munmap)$/,
  /::now\(\)$/,
  /\brandom_device\b/,
  /^std::(?:thread|this_thread|mutex|condition_variable|basic_[io]?fstream|basic_filebuf)\b/,
  /^uv_/,
  /^std::c(?:out|err|in|log)$/,
];
/** QUIC_BUG prints before it aborts, in test builds only. */
const tolerated = new Set(['stderr', 'fprintf', '__fprintf_chk', 'fwrite', 'abort']);

export async function checkSansIo(root, options = {}) {
  const archive = path.resolve(root, options.archive ?? 'build/libquic_core.a');
  if (!existsSync(archive)) return { findings: [`${archive} is not there: build it first (npm run build)`] };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sans-io-'));
  try {
    const whole = path.join(folder, 'all.o');
    const linked = await run('ld', ['-r', '--whole-archive', archive, '-o', whole]);
    if (!linked.ok) return { findings: [`ld -r failed: ${linked.output.trim()}`] };
    const symbols = await run('nm', ['-u', '-C', whole]);
    if (!symbols.ok) return { findings: [`nm failed: ${symbols.output.trim()}`] };
    const names = symbols.output
      .split('\n')
      .map((line) => line.replace(/^\s*[Uw]\s+/, '').replace(/@.*$/, '').trim())
      .filter((name) => name !== '');
    const bad = names.filter((name) => !tolerated.has(name) && forbidden.some((pattern) => pattern.test(name)));
    return { findings: bad.map((name) => `quic_core needs ${name}`) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runAlone(import.meta, 'sans-io', checkSansIo, { archive: { type: 'string' } });
