// The package under test, and how its endpoint asks for a feature that it may not have: an option that is not known, or a
// method that is not there, is "not supported" for a case that needs it, and left out for one that does not.
import { QuicConnection, connect, listen } from '../../dist/esm/index.js';

export class NotSupported extends Error {}

function without(options, [name, ...rest]) {
  if (rest.length === 0) return Object.fromEntries(Object.entries(options).filter(([key]) => key !== name));
  return { ...options, [name]: without(options[name], rest) };
}

/** Two levels of options put together. */
function merge(first, second) {
  const both = { ...first, ...second };
  for (const name of ['tls', 'limits']) if (first[name] && second[name]) both[name] = { ...first[name], ...second[name] };
  return both;
}

/** Calls a verb with the options that the case needs and those that would be nice. */
async function call(verb, { base, needed = {}, nice = {} }) {
  let extra = nice;
  for (;;) {
    try {
      return await verb(merge(merge(base, extra), needed));
    } catch (error) {
      const unknown = error.code === 'ERR_QUIC_INVALID_ARGUMENT' && /unknown option `([\w.]+)`/.exec(error.message)?.[1]?.split('.');
      if (!unknown) throw error;
      const isNeeded = unknown.reduce((value, key) => value?.[key], needed) !== undefined;
      if (isNeeded) throw new NotSupported(`option ${unknown.join('.')}`);
      extra = without(extra, unknown);
    }
  }
}

export function connectWith(address, options) {
  return call((all) => connect(address, all), options);
}

export function listenWith(options) {
  return call((all) => listen(all), options);
}

/** Does a connection have this method or property? */
export function hasMember(name) {
  return name in QuicConnection.prototype;
}

export function needMember(name) {
  if (!hasMember(name)) throw new NotSupported(`connection.${name}`);
}
