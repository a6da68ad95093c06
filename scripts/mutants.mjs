/**
 * Mutants of a TypeScript file: small changes, each of which some test should notice. Types are left alone, and so are texts
 * for people. A table's rows get the changes that matter there: a bit moved by one, another class, an edge dropped.
 */
import { parseAst } from 'vitest/node';

/** Words that decide, and what becomes of them. */
const WORDS = {
  isa: 'hint',
  state: 'hint',
  kernel_user: 'kernel',
  hint: 'isa',
  kernel: 'isa',
  security: 'isa',
  identity: 'isa',
  blocker: 'info',
  unknown: 'info',
  risk: 'blocker',
  info: 'blocker',
  architectural: 'policy',
  policy: 'architectural',
  vex: 'evex',
  evex: 'vex',
  'vex-tile': 'vex',
  'vex-gpr': 'vex',
  eax: 'ebx',
  ebx: 'ecx',
  ecx: 'edx',
  edx: 'eax',
  user: 'supervisor',
  supervisor: 'user',
  yes: 'no',
  no: 'yes',
  'guest-only': 'yes',
  perf: 'yes',
  read: 'derived',
  derived: 'read',
  system: 'cpu',
  cpu: 'system',
  model: 'cpu',
};

const OPERATORS = {
  '<': ['<=', '>'],
  '<=': ['<', '>='],
  '>': ['>=', '<'],
  '>=': ['>', '<='],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['|'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['>>'],
  '&&': ['||'],
  '||': ['&&'],
};

const CALLS = {
  max: 'min',
  min: 'max',
  ceil: 'floor',
  floor: 'ceil',
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  slice: 'concat',
};

/** Properties of which nothing but a sentence depends. */
const TEXTS = new Set([
  'title',
  'reason',
  'since',
  'note',
  'what',
  'why',
  'effect',
  'when',
  'where',
  'meaning',
  'advice',
  'from',
  'sources',
  'maker',
]);

/** Kinds of change, for --only and the report. */
export const KINDS = [
  'number',
  'word',
  'operator',
  'condition',
  'call',
  'element',
  'property',
  'statement',
  'default',
  'flag',
];

function isNode(value) {
  return typeof value === 'object' && value !== null && typeof value.type === 'string';
}

/** Where types begin: nothing below runs. */
function isType(node) {
  return (
    node.type.startsWith('TS') &&
    !['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression'].includes(node.type)
  );
}

/** With the separator behind it, or before it if it is the last. */
function withComma(code, { start, end }) {
  const behind = /^\s*,/.exec(code.slice(end));
  if (behind) return [start, end + behind[0].length];
  const before = /,\s*$/.exec(code.slice(0, start));
  return before ? [start - before[0].length, end] : [start, end];
}

function isString({ type, value }) {
  return type === 'TemplateLiteral' || (type === 'Literal' && typeof value === 'string');
}

/** Every mutant of a file, in the order of the text: place, what stands there instead, kind. */
export function mutantsOf(code) {
  const found = [];
  const add = (kind, { start, end }, replacement) => found.push({ kind, start, end, replacement });
  const wrap = ({ start, end }) => code.slice(start, end);

  const visitors = {
    Literal(node, key) {
      if (key === 'key') return;
      if (typeof node.bigint === 'string') {
        add('number', node, `${BigInt(node.bigint) + 1n}n`);
        if (BigInt(node.bigint) > 0n) add('number', node, `${BigInt(node.bigint) - 1n}n`);
      } else if (typeof node.value === 'number') {
        add('number', node, `${node.value + 1}`);
        add('number', node, node.value > 0 ? `${node.value - 1}` : '(-1)');
      } else if (typeof node.value === 'boolean') add('flag', node, `${!node.value}`);
      else if (typeof node.value === 'string' && Object.hasOwn(WORDS, node.value))
        add('word', node, `'${WORDS[node.value]}'`);
    },
    BinaryExpression(node) {
      if (node.operator === '+' && (isString(node.left) || isString(node.right))) return;
      operator(node);
    },
    LogicalExpression(node) {
      if (node.operator === '??') add('default', node, `(${wrap(node.right)})`);
      else operator(node);
    },
    UnaryExpression(node) {
      if (['!', '-', '~'].includes(node.operator))
        add('operator', node, `(${wrap(node.argument)})`);
    },
    ConditionalExpression(node) {
      add('condition', node.test, `!(${wrap(node.test)})`);
    },
    IfStatement(node) {
      add('condition', node.test, `!(${wrap(node.test)})`);
    },
    CallExpression({ callee }) {
      if (callee.type !== 'MemberExpression' || callee.computed) return;
      const { name } = callee.property;
      if (Object.hasOwn(CALLS, name)) add('call', callee.property, CALLS[name]);
      if (name === 'filter') {
        const end = code.indexOf('(', callee.property.end);
        add('call', { start: callee.property.start, end: end + 1 }, 'filter(() => true, ');
      }
    },
    ArrayExpression(node) {
      for (const element of node.elements)
        if (element !== null) {
          const [start, end] = withComma(code, element);
          add('element', { start, end }, '');
        }
    },
    ObjectExpression(node) {
      for (const property of node.properties) {
        if (property.type !== 'Property' || property.method || property.computed) continue;
        if (node.properties.length < 2 || TEXTS.has(property.key.name)) continue;
        const [start, end] = withComma(code, property);
        add('property', { start, end }, '');
      }
    },
    ExpressionStatement(node) {
      if (node.expression.type !== 'Literal') add('statement', node, ';');
    },
  };

  function operator(node) {
    const place = code.indexOf(node.operator, node.left.end);
    for (const other of OPERATORS[node.operator] ?? [])
      add('operator', { start: place, end: place + node.operator.length }, other);
  }

  function visit(node, key) {
    if (isType(node) || ['ImportDeclaration', 'ExportAllDeclaration'].includes(node.type)) return;
    if (node.type === 'Property' && TEXTS.has(node.key.name)) return;
    visitors[node.type]?.(node, key);
    for (const [name, value] of Object.entries(node)) {
      if (
        name === 'source' ||
        name === 'typeAnnotation' ||
        name === 'typeArguments' ||
        name === 'typeParameters'
      )
        continue;
      if (Array.isArray(value)) for (const one of value.filter(isNode)) visit(one, name);
      else if (isNode(value)) visit(value, name);
    }
  }

  for (const statement of parseAst(code, { lang: 'ts' }).body) visit(statement, 'body');
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}
