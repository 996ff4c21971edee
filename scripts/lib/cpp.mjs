// Just enough of C++ to check sizes and includes: comments and literals blanked out, and the functions of a file found by
// their braces. It is not a compiler: macros are not expanded, and a function made by one is not seen.

/** The text with comments, strings and character literals turned to spaces: offsets and lines stay as they were. */
export function blank(source) {
  const token = /\/\/(?:[^\n\\]|\\[^])*|\/\*[^]*?\*\/|\bR"([^()\\\s]*)\([^]*?\)\1"|"(?:[^"\\\n]|\\[^])*"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\[^])+?'/g;
  return source.replace(token, (text) => text.replace(/[^\n]/g, ' '));
}

/** The same with preprocessor lines blanked too (with their continuations). */
export function blankAll(source) {
  return blank(source).replace(/^[ \t]*#(?:[^\n\\]|\\[^])*/gm, (text) => text.replace(/[^\n]/g, ' '));
}

/** Every #include of a file: { target, isSystem, line }. */
export function includes(source) {
  // Not from the blanked text, where the quoted name is gone; comments are, by their own pattern.
  const code = source.replace(/\/\*[^]*?\*\//g, (text) => text.replace(/[^\n]/g, ' '));
  const found = [];
  code.split('\n').forEach((text, index) => {
    const match = /^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")/.exec(text);
    if (match) found.push({ target: match[1] ?? match[2], isSystem: match[1] !== undefined, line: index + 1 });
  });
  return found;
}

const closers = { '(': ')', '[': ']', '{': '}' };

/** The offset after the bracket that closes the one at `open`, or the end of the text. */
function skipBrackets(code, open) {
  const stack = [];
  for (let i = open; i < code.length; i += 1) {
    const c = code[i];
    if (closers[c]) stack.push(closers[c]);
    else if (c === stack.at(-1)) {
      stack.pop();
      if (stack.length === 0) return i + 1;
    }
  }
  return code.length;
}

/** How many parameters a list has; commas inside brackets and template arguments do not count. */
function countParameters(list) {
  if (list.trim() === '' || list.trim() === 'void') return 0;
  let depth = 0;
  let count = 1;
  for (let i = 0; i < list.length; i += 1) {
    const c = list[i];
    if ('([{<'.includes(c)) depth += 1;
    else if (')]}'.includes(c) || (c === '>' && list[i - 1] !== '-')) depth -= 1;
    else if (c === ',' && depth === 0) count += 1;
  }
  return count;
}

const qualifiers =
  /^\s*(?:(?:const|volatile|noexcept|override|final|mutable|try|&&?|\[\[[^]*?\]\]|->\s*[\w:<>,\s*&()]+|requires\b[^]*)\s*)*$/;

/**
 * What a block's head means: a function (with its name and parameters), the start of a brace in a constructor's initialisers,
 * or something else (a type, a namespace, an initialiser).
 */
function classify(head) {
  const text = head
    .replace(/\btemplate\s*<[^]*?>(?=\s*(?:template|requires|class|struct|[\w[:~]))/g, ' ')
    .replace(/\[\[[^]*?\]\]/g, ' ')
    .replace(/\b(?:noexcept|alignas|decltype|__attribute__)\s*\((?:[^()]|\([^()]*\))*\)/g, ' ');
  if (/^\s*(?:inline\s+)?(?:namespace|extern)\b/.test(text)) return { kind: 'scope' };
  if (/^\s*(?:(?:public|private|protected)\s*:\s*)*(?:typedef\s+)?(?:class|struct|union|enum)\b[^()]*$/.test(text)) return { kind: 'scope' };
  const operator = /\boperator\s*(?:\(\s*\)|\[\s*\]|[^\s\w(]+|[\w:*&<>\s]+?)\s*(?=\()/.exec(text);
  const open = operator ? operator.index + operator[0].length : text.indexOf('(');
  if (open === -1 || text[open] !== '(') return { kind: 'other' };
  const before = text.slice(0, open);
  if (!operator && /[^=!<>]=(?!=)/.test(` ${before}`)) return { kind: 'other' };
  const name = operator ? operator[0].trim() : /([\w:~<>]+)\s*$/.exec(before)?.[1];
  if (name === undefined || /^(?:if|for|while|switch|catch|return|sizeof|static_assert)$/.test(name)) return { kind: 'other' };
  const end = skipBrackets(text, open);
  const list = text.slice(open + 1, end - 1);
  const after = text.slice(end);
  const initialisers = /^\s*(?:noexcept\s*)?:(?!:)([^]*)$/.exec(after);
  if (initialisers) {
    // `: a_{1}, b_(2) {`: a brace straight after a member's name opens its initialiser.
    if (/(?:^|,)\s*[\w:]+(?:<[^]*>)?\s*$/.test(initialisers[1])) return { kind: 'initialiser' };
    return { kind: 'function', name, parameters: countParameters(list) };
  }
  if (!qualifiers.test(after)) return { kind: 'other' };
  return { kind: 'function', name, parameters: countParameters(list) };
}

/** The functions of a file: { name, line, lines, parameters }. Lambdas count as part of the function around them. */
export function functionsOf(source) {
  const code = blankAll(source);
  const found = [];
  let headStart = 0;
  for (let i = 0; i < code.length; i += 1) {
    const c = code[i];
    if (c === '(' || c === '[') i = skipBrackets(code, i) - 1;
    else if (c === ';' || c === '}') headStart = i + 1;
    else if (c === ':' && /\b(?:public|private|protected)\s*$/.test(code.slice(headStart, i))) headStart = i + 1;
    else if (c === '{') {
      const head = code.slice(headStart, i);
      const block = classify(head);
      if (block.kind === 'scope') {
        headStart = i + 1;
        continue;
      }
      const end = skipBrackets(code, i);
      if (block.kind === 'function') {
        const first = headStart + head.length - head.trimStart().length;
        const line = code.slice(0, first).split('\n').length;
        const lines = code.slice(first, end).split('\n').length;
        found.push({ name: block.name, line, lines, parameters: block.parameters });
        headStart = end;
      } // after an initialiser the head goes on
      i = end - 1;
    }
  }
  return found;
}
