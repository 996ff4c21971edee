// Budgets: a file aims at 600 lines and has at most 800, a function at most 100, with at most 6 parameters. C++ is read by a
// brace parser (lib/cpp.mjs), TypeScript and JavaScript by the TypeScript compiler. Generated tables are exempt: they say
// "// generated" in one of their first three lines.
import path from 'node:path';
import { runAlone } from './lib/check.mjs';
import { functionsOf } from './lib/cpp.mjs';
import { read, sourceFiles } from './lib/files.mjs';

const limits = { fileAim: 600, file: 800, function: 100, parameters: 6 };
const cppExtensions = ['.h', '.cpp', '.cc'];
const scriptExtensions = ['.ts', '.cts', '.mts', '.mjs', '.cjs', '.js'];

/** A `describe` body is a list of tests, not a function. */
function isListOfTests(ts, node) {
  const call = node.parent;
  return ts.isCallExpression(call) && call.arguments.includes(node) && /^describe\b/.test(call.expression.getText());
}

function scriptFunctions(ts, file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const lineOf = (position) => tree.getLineAndCharacterOfPosition(position).line + 1;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined && !isListOfTests(ts, node)) {
      const line = lineOf(node.getStart());
      const parameters = node.parameters.filter((parameter) => parameter.name.getText() !== 'this').length;
      found.push({ name: node.name?.getText() ?? '(anonymous)', line, lines: lineOf(node.getEnd()) - line + 1, parameters });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

export async function checkSizes(root) {
  const findings = [];
  const notes = [];
  const ts = (await import('typescript')).default;
  for (const file of sourceFiles(root, ['cpp', 'binding', 'lib', 'test', 'scripts'], [...cppExtensions, ...scriptExtensions])) {
    const source = read(root, file);
    if (source.split('\n', 3).some((line) => /^\/\/ generated\b/i.test(line))) continue;
    const lines = source.split('\n').length - 1;
    if (lines > limits.file) findings.push(`${file}:1: ${lines} lines, at most ${limits.file}`);
    else if (lines > limits.fileAim) notes.push(`${file}: ${lines} lines, aim at ${limits.fileAim}`);
    const functions = cppExtensions.includes(path.extname(file)) ? functionsOf(source) : scriptFunctions(ts, file, source);
    for (const { name, line, lines: length, parameters } of functions) {
      if (length > limits.function) findings.push(`${file}:${line}: ${name} has ${length} lines, at most ${limits.function}`);
      if (parameters > limits.parameters) {
        findings.push(`${file}:${line}: ${name} has ${parameters} parameters, at most ${limits.parameters}`);
      }
    }
  }
  return { findings, notes };
}

await runAlone(import.meta, 'sizes', checkSizes);
