// As much of QPACK (RFC 9204) as a GET and its answer need: the static table and literals, no dynamic table. We announce a
// dynamic table of no size, so a peer that keeps the rules sends nothing else.

/** RFC 9204 Appendix A: the entries that are used here, by index. */
const staticFields = new Map([
  [0, [':authority', '']], [1, [':path', '/']], [15, [':method', 'CONNECT']], [16, [':method', 'DELETE']], [17, [':method', 'GET']],
  [18, [':method', 'HEAD']], [19, [':method', 'OPTIONS']], [20, [':method', 'POST']], [21, [':method', 'PUT']], [22, [':scheme', 'http']],
  [23, [':scheme', 'https']], [24, [':status', '103']], [25, [':status', '200']], [26, [':status', '304']], [27, [':status', '404']],
  [28, [':status', '503']],
]);

/** RFC 7541 Appendix B: the codes up to 8 bits, which are the characters of paths; codes of one length are consecutive. */
const huffmanCodes = [
  { bits: 5, first: 0x00, symbols: '012aceiost' },
  { bits: 6, first: 0x14, symbols: ' %-./3456789=A_bdfghlmnpru' },
  { bits: 7, first: 0x5c, symbols: ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz' },
  { bits: 8, first: 0xf8, symbols: '&*,;XZ' },
];

function huffmanSymbol(code, bits) {
  const row = huffmanCodes.find((one) => one.bits === bits);
  return row !== undefined && code >= row.first && code < row.first + row.symbols.length ? row.symbols[code - row.first] : undefined;
}

/** The text, or undefined when it has characters that are not expected in what is read here. */
export function decodeHuffman(bytes) {
  let text = '';
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      bits++;
      const symbol = huffmanSymbol(code, bits);
      if (symbol !== undefined) {
        text += symbol;
        code = 0;
        bits = 0;
      } else if (bits > 8) {
        return undefined;
      }
    }
  }
  // The end is padded with ones, fewer than eight (RFC 7541 §5.2).
  return bits < 8 && code === (1 << bits) - 1 ? text : undefined;
}

/** RFC 7541 §5.1: an integer with a prefix of so many bits; the high bits are `flags`. */
function encodeInteger(value, prefix, flags) {
  const most = (1 << prefix) - 1;
  if (value < most) return [flags | value];
  const bytes = [flags | most];
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push(128 | (rest & 127));
  return [...bytes, rest];
}

class Cursor {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  get isEnd() {
    return this.at >= this.bytes.length;
  }
  get byte() {
    if (this.isEnd) throw new Error('a field section ends early');
    return this.bytes[this.at];
  }
  integer(prefix) {
    const most = (1 << prefix) - 1;
    let value = this.byte & most;
    this.at++;
    if (value < most) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte;
      this.at++;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error('an integer of a field section is too large');
  }
  /** The Huffman flag is the bit above the prefix. */
  string(prefix) {
    const isHuffman = (this.byte & (1 << prefix)) !== 0;
    const length = this.integer(prefix);
    const bytes = this.bytes.subarray(this.at, this.at + length);
    if (bytes.length < length) throw new Error('a string of a field section ends early');
    this.at += length;
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString('latin1');
  }
}

function literal(nameIndex, value) {
  const bytes = Buffer.from(value, 'latin1');
  return [...encodeInteger(nameIndex, 4, 0x50), ...encodeInteger(bytes.length, 7, 0), ...bytes]; // RFC 9204 §4.5.4
}

const noDynamicTable = [0, 0]; // RFC 9204 §4.5.1
const indexedStatic = 0xc0; // RFC 9204 §4.5.2

export function encodeGet(authority, path) {
  return Buffer.from([...noDynamicTable, indexedStatic | 17, indexedStatic | 23, ...literal(0, authority), ...literal(1, path)]);
}

export function encodeStatus(isFound) {
  return Buffer.from([...noDynamicTable, indexedStatic | (isFound ? 25 : 27)]);
}

/** The pseudo-header fields by name; others are read over. */
export function decodeFields(bytes) {
  const cursor = new Cursor(bytes);
  if (cursor.integer(8) !== 0) throw new Error('a field section uses the dynamic table, which has no size');
  cursor.integer(7);
  const fields = {};
  const add = (name, value) => {
    if (name?.startsWith(':')) fields[name] = value;
  };
  while (!cursor.isEnd) {
    const { byte } = cursor;
    if ((byte & 0xc0) === 0xc0) {
      add(...(staticFields.get(cursor.integer(6)) ?? []));
    } else if ((byte & 0xd0) === 0x50) {
      const [name] = staticFields.get(cursor.integer(4)) ?? [];
      add(name, cursor.string(7));
    } else if ((byte & 0xe0) === 0x20) {
      const name = cursor.string(3);
      add(name, cursor.string(7));
    } else {
      throw new Error('a field line uses the dynamic table, which has no size');
    }
  }
  return fields;
}
