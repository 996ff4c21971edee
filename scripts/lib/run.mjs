// Running programs and telling the user about it. Node built-ins only: this runs before `npm ci`.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The top of the checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Is this module the program, or was it imported? */
export function isMain(meta) {
  return process.argv[1] !== undefined && meta.url === pathToFileURL(path.resolve(process.argv[1])).href;
}

/** Runs a program and resolves with its exit code, signal and all of its output, in order. Never rejects. */
export function run(command, args, options = {}) {
  const { cwd = root, env = process.env, timeoutMs = 0, onOutput } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let timedOut = false;
    const take = (chunk) => {
      output += chunk;
      onOutput?.(String(chunk));
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const timer =
      timeoutMs > 0 &&
      setTimeout(() => {
        timedOut = true;
        child.kill('SIGKILL');
      }, timeoutMs);
    const finish = (code, signal, error) => {
      clearTimeout(timer);
      resolve({ code, signal, timedOut, output: error ? `${output}${error.message}\n` : output, ok: code === 0 });
    };
    child.on('error', (error) => finish(127, null, error));
    child.on('close', (code, signal) => finish(code, signal));
  });
}

/** As run(), but its output goes to the terminal as it comes. Resolves with true when it succeeded. */
export function runShown(command, args, options = {}) {
  const { cwd = root, env = process.env } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}

/** The trimmed standard output of a program whose progress, on its standard error, is shown as it comes. */
export function printed(command, args, options = {}) {
  const { cwd = root, env = process.env } = options;
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output.trim()) : reject(new StepFailed(`${[command, ...args].join(' ')}: see above`))));
  });
}

/** Installs packages of the distribution on this machine where it may; resolves with what it did, in a few words. */
export function installPackages(names) {
  return printed('bash', ['scripts/lib/debian.sh', 'install', ...names]);
}

/** The trimmed standard output of a quick program, or undefined when it failed. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], ...options });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

export function hasCommand(name) {
  return capture('sh', ['-c', `command -v ${name}`]) !== undefined;
}

export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/** A failure whose message says everything: printed without a stack. */
export class StepFailed extends Error {}

/**
 * Runs one step of a job and prints its name, what came of it, and how long it took. The step may return a word ("up to date")
 * that is printed instead of "done".
 */
export async function step(name, work) {
  const began = Date.now();
  const isTerminal = process.stdout.isTTY;
  process.stdout.write(isTerminal ? `  ${name} ...` : '');
  const line = (mark, text) => process.stdout.write(`${isTerminal ? '\r\x1b[K' : ''}${mark} ${name}: ${text} (${seconds(began)})\n`);
  try {
    line('✔', (await work()) ?? 'done');
  } catch (error) {
    line('✘', 'failed');
    throw error;
  }
}

/** Runs a program as a step: silent when it succeeds, its whole output when it fails. */
export async function mustRun(command, args, options = {}) {
  const result = await run(command, args, options);
  if (result.ok) return result.output;
  process.stdout.write(`\n${result.output}\n`);
  throw new StepFailed(`${[command, ...args].join(' ')} ${result.signal ? `was ended by ${result.signal}` : `exited with ${result.code}`}`);
}

/** The end of every program here: prints a StepFailed plainly, anything else with its stack, and sets the exit code. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof StepFailed ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
