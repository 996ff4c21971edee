/** Checks of arguments, with help: what was expected, what came, and the option that was probably meant. */
import { invalidArgument } from './errors.js';

/** Throws ERR_QUIC_INVALID_ARGUMENT unless `value` will do. `what` names it, as in `tls.cert`. */
export type Check = (value: unknown, what: string) => void;
export type Fields = Readonly<Record<string, Check>>;

/** What a message says of a value that was not expected: short, and never a secret's text. */
function describe(value: unknown): string {
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The one of `names` that somebody who wrote `name` probably meant. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const near = (other: string): number => distance(name.toLowerCase(), other.toLowerCase());
  const best = [...names].sort((a, b) => near(a) - near(b))[0];
  return best !== undefined && near(best) <= Math.max(2, Math.floor(name.length / 3)) ? best : undefined;
}

export const anObject: Check = (value, what) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(`\`${what}\` must be an object, not ${describe(value)}`);
  }
};

/** An object with these fields and no others. Fields that are `undefined` count as absent. */
export function fields(known: Fields): Check {
  return (value, what) => {
    anObject(value, what);
    const prefix = what === 'options' ? '' : `${what}.`;
    for (const [name, field] of Object.entries(value as object)) {
      const check = Object.hasOwn(known, name) ? known[name] : undefined;
      if (check === undefined) {
        const meant = nearest(name, Object.keys(known));
        throw invalidArgument(`unknown option \`${prefix}${name}\`${meant === undefined ? '' : `, did you mean \`${prefix}${meant}\`?`}`);
      }
      if (field !== undefined) check(field, prefix + name);
    }
  };
}

export function integer(lowest: number, highest: number): Check {
  return (value, what) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < lowest || value > highest) {
      throw invalidArgument(`\`${what}\` must be an integer from ${lowest} to ${highest}, not ${describe(value)}`);
    }
  };
}

export const text: Check = (value, what) => {
  if (typeof value !== 'string' || value === '') throw invalidArgument(`\`${what}\` must be a string that is not empty, not ${describe(value)}`);
};

export const truth: Check = (value, what) => {
  if (typeof value !== 'boolean') throw invalidArgument(`\`${what}\` must be true or false, not ${describe(value)}`);
};

export const callback: Check = (value, what) => {
  if (typeof value !== 'function') throw invalidArgument(`\`${what}\` must be a function, not ${describe(value)}`);
};

/** Checked elsewhere, where more is known. */
export const anything: Check = () => undefined;

export function oneOf(...allowed: readonly string[]): Check {
  return (value, what) => {
    if (typeof value === 'string' && allowed.includes(value)) return;
    const meant = typeof value === 'string' ? nearest(value, allowed) : undefined;
    const hint = meant === undefined ? '' : `, did you mean '${meant}'?`;
    throw invalidArgument(`\`${what}\` must be one of ${allowed.map((name) => `'${name}'`).join(', ')}, not ${typeof value === 'string' ? `'${value}'` : describe(value)}${hint}`);
  };
}

export function listOf(check: Check, lowest: number, highest: number): Check {
  return (value, what) => {
    if (!Array.isArray(value) || value.length < lowest || value.length > highest) {
      throw invalidArgument(`\`${what}\` must be an array of ${lowest} to ${highest} entries, not ${describe(value)}`);
    }
    value.forEach((entry: unknown, index) => check(entry, `${what}[${index}]`));
  };
}
