/** Addresses as users write them and as the native side wants them. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { invalidArgument } from './errors.js';

/** `'host:port'`, `'[v6]:port'`, or the pieces. Names are resolved by `connect` only. */
export type Address = string | { readonly host: string; readonly port: number };
/** An address as the wire knows it: never a name. */
export interface SocketAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly host: string;
  readonly port: number;
}
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

function parse(text: string, what: string): HostAndPort {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) {
    const hint = isIPv6(text) ? `: write '[${text}]:443'` : isIPv4(text) || /^[\w.-]+$/.test(text) ? `: a port is missing, as in '${text}:443'` : '';
    throw invalidArgument(`${what} must be 'host:port' or '[v6]:port', not '${text}'${hint}`);
  }
  if (match[1] !== undefined && !isIPv6(host)) throw invalidArgument(`${what}: '${host}' is not an IPv6 address`);
  return { host, port: Number(match[3]) };
}

/** Takes an `Address` apart. `what` names it in errors; `lowest` is 0 where the kernel may choose the port. */
export function parseAddress(address: unknown, what: string, lowest: 0 | 1): HostAndPort {
  let parts: HostAndPort;
  if (typeof address === 'string') {
    parts = parse(address, what);
  } else if (typeof address === 'object' && address !== null) {
    parts = address as HostAndPort;
    if (typeof parts.host !== 'string' || parts.host === '') throw invalidArgument(`${what}.host must be a string`);
  } else {
    throw invalidArgument(`${what} must be a string or { host, port }`);
  }
  const { host, port } = parts;
  if (!Number.isInteger(port) || port < lowest || port > 65535) {
    throw invalidArgument(`${what}: the port must be from ${lowest} to 65535, not ${String(port)}`);
  }
  return { host, port };
}

/** The same for places where a name is not resolved. */
export function parseLiteral(address: unknown, what: string, lowest: 0 | 1): HostAndPort {
  const parts = parseAddress(address, what, lowest);
  if (isIP(parts.host) === 0) throw invalidArgument(`${what} must have an IP address, not the name '${parts.host}'`);
  return parts;
}

/** Addresses whose first `prefix` bits are those of `host`; port 0 is any. */
export interface AddressRange extends HostAndPort {
  readonly prefix: number;
}

/** `'192.0.2.0/24'`, `'192.0.2.7'`, or an address with a port. */
export function parseRange(range: unknown, what: string): AddressRange {
  if (typeof range !== 'string') throw invalidArgument(`${what} must be a string, as in '192.0.2.0/24'`);
  const [network = '', bits, ...rest] = range.split('/');
  const host = /^\[(.*)\]$/.exec(network)?.[1] ?? network;
  if (isIP(host) === 0 && bits === undefined) return { ...parseLiteral(range, what, 1), prefix: range.startsWith('[') ? 128 : 32 };
  const most = isIPv6(host) ? 128 : 32;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (isIP(host) === 0 || rest.length > 0 || prefix < 0 || prefix > most) {
    throw invalidArgument(`${what} must be an address, with or without a port, or 'network/bits', not '${range}'`);
  }
  return { host, port: 0, prefix };
}

export function formatAddress({ host, port }: HostAndPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
