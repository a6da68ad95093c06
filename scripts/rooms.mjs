/**
 * Holds every import of src/ against src/rooms.json, and writes its table in ARCHITECTURE.md.
 *
 *   node scripts/rooms.mjs            refuses what a room may not, and a table that isn't the file's
 *   node scripts/rooms.mjs --write    writes the table
 *
 * A room, which is a folder of src/, has in the file: what it does; the rooms that it imports, all of
 * them above it; with "importsIn" those that some of its files import, too; "packages" of npm; "node"
 * where it may ask the machine (node:*); "prints" where it, or a file of it, may write to people or
 * end the program; "made" where the build makes it, and nothing of it is looked at. Types count, and
 * so do import() and require(). What no file needs any more is refused as well: the table says what is.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

const TABLE = 'src/rooms.json';
const PAGE = 'ARCHITECTURE.md';
const HEAD = '| room | what it does | imports | beside |\n| --- | --- | --- | --- |\n';

/** Calls `visit` with every node of a syntax tree. */
function walk(node, visit) {
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.type === 'string') visit(node);
  for (const part of Object.values(node)) walk(part, visit);
}

const isName = (node, name) => node?.type === 'Identifier' && node.name === name;

const isOnlyTypes = ({ importKind, exportKind, specifiers }, kindOf) =>
  (importKind ?? exportKind) === 'type' ||
  (specifiers?.length > 0 && specifiers.every((one) => kindOf(one) === 'type'));

/** What a node imports, and how; undefined: nothing. A source that isn't a plain text is null. */
function importOf(node) {
  const literal = (source) => (typeof source?.value === 'string' ? source.value : null);
  switch (node.type) {
    case 'ImportDeclaration': {
      const types = isOnlyTypes(node, (one) => one.importKind);
      return { of: literal(node.source), how: types ? 'type' : 'static' };
    }
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration': {
      if (node.source === null || node.source === undefined) return undefined;
      const types = isOnlyTypes(node, (one) => one.exportKind);
      return { of: literal(node.source), how: types ? 'type' : 'static' };
    }
    case 'ImportExpression':
      return { of: literal(node.source), how: 'dynamic' };
    case 'TSImportType':
      return { of: literal(node.source ?? node.argument?.literal ?? node.argument), how: 'type' };
    case 'TSExternalModuleReference':
      return { of: literal(node.expression), how: 'require' };
    case 'CallExpression':
      return isName(node.callee, 'require')
        ? { of: literal(node.arguments[0]), how: 'require' }
        : undefined;
    default:
      return undefined;
  }
}

/** What writes to people or ends the program, beside console, which Biome refuses everywhere. */
function printOf(node) {
  if (node.type !== 'MemberExpression' || !isName(node.object, 'process')) return undefined;
  const name = node.property.name ?? node.property.value;
  return ['stdout', 'stderr', 'exit'].includes(name) ? `process.${name}` : undefined;
}

/** The imports and the printing of a module's text, in their order. */
export function usesOf(code) {
  const starts = [0];
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  const uses = [];
  walk(parseAst(code, { lang: 'ts' }), (node) => {
    const imported = importOf(node);
    const printed = printOf(node);
    const line = starts.findLastIndex((start) => start <= node.start) + 1;
    if (imported !== undefined) uses.push({ line, ...imported });
    if (printed !== undefined) uses.push({ line, printed });
  });
  return uses.sort((a, b) => a.line - b.line);
}

/** "src/model/host.ts" → ["model", "host.ts"]; undefined: in no room. */
function placeOf(file) {
  const parts = /^src\/([^/]+)\/(.+)$/.exec(file);
  return parts === null ? undefined : [parts[1], parts[2]];
}

const list = (names) => (names.length === 0 ? 'nothing' : names.join(', '));

/** What is wrong with the table itself. */
function problemsOfTable(rooms) {
  const names = Object.keys(rooms);
  return names.flatMap((name, place) => {
    const { imports, importsIn = {} } = rooms[name];
    return [...imports, ...Object.values(importsIn).flat()]
      .filter((other) => rooms[other]?.made !== true && !names.slice(0, place).includes(other))
      .map((other) => `${TABLE}: ${name} imports ${other}, which is no room above it`);
  });
}

/** All that a room may: "imports model", "node", and for one of its files "probe.ts imports probe". */
function grantsOf({ imports, importsIn = {}, packages = [], node, prints = [] }) {
  return new Set([
    ...imports.map((other) => `imports ${other}`),
    ...Object.entries(importsIn).flatMap(([file, others]) =>
      others.map((other) => `${file} imports ${other}`),
    ),
    ...packages.map((name) => `package ${name}`),
    ...(node ? ['node'] : []),
    ...(prints === true ? ['prints'] : prints.map((file) => `${file} prints`)),
  ]);
}

const packageOf = (name) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

/** The grant that a use needs, and what to say where it is missing; undefined: none. */
function needOf(rooms, file, { of, how, printed }) {
  const [room, inRoom] = placeOf(file);
  const row = rooms[room];
  const roomsWith = (grant) =>
    list(Object.keys(rooms).filter((name) => rooms[name][grant] === true));
  if (printed !== undefined)
    return {
      grant: 'prints',
      problem: `${printed}: only ${roomsWith('prints')} prints, or ends it`,
    };
  const what = `${how} import of '${of}'`;
  if (of === null)
    return { grant: '', problem: `${how} import of a computed name: write the module's name` };
  if (of.startsWith('.')) {
    const [other] = placeOf(posix.join(posix.dirname(file), of)) ?? [];
    if (other === room) return undefined;
    const may = list([...row.imports, ...(row.importsIn?.[inRoom] ?? [])]);
    return { grant: `imports ${other}`, problem: `${what}: ${room} imports ${may}` };
  }
  if (of.startsWith('node:') || builtinModules.includes(of))
    return { grant: 'node', problem: `${what}: only ${roomsWith('node')} import node:*` };
  const may = list(row.packages ?? []);
  return {
    grant: `package ${packageOf(of)}`,
    problem: `${what}: of packages, ${room} imports ${may}`,
  };
}

/** `files`: the text of each file of src by its path, "src/model/host.ts". */
export function problemsOf(rooms, files) {
  const problems = problemsOfTable(rooms);
  const unused = Object.entries(rooms)
    .filter(([, { made }]) => made !== true)
    .flatMap(([room, row]) => [...grantsOf(row)].map((grant) => `${room} ${grant}`));
  const left = new Set(unused);
  for (const [file, code] of files) {
    const [room, inRoom] = placeOf(file) ?? [];
    const row = rooms[room];
    if (row?.made) continue;
    if (row === undefined) {
      problems.push(`${file}: is in no room of ${TABLE}: add its folder there`);
      continue;
    }
    const grants = grantsOf(row);
    for (const use of usesOf(code)) {
      const need = needOf(rooms, file, use);
      if (need === undefined) continue;
      const own = [need.grant, `${inRoom} ${need.grant}`].find((grant) => grants.has(grant));
      if (own === undefined) problems.push(`${file}:${use.line}: ${need.problem}`);
      else left.delete(`${room} ${own}`);
    }
  }
  return [
    ...problems,
    ...[...left].map((grant) => `${TABLE}: "${grant}" is what no file needs: take it out`),
  ];
}

function beside({ node, packages = [], prints }) {
  return [
    ...(node ? ['`node:*`'] : []),
    ...packages,
    ...(prints === true ? ['prints'] : (prints ?? []).map((file) => `\`${file}\` prints`)),
  ].join(', ');
}

/** The table of rooms for people. */
export function tableOf(rooms) {
  const rows = Object.entries(rooms).map(([room, row]) => {
    const own = Object.entries(row.importsIn ?? {}).map(
      ([file, others]) => `in \`${file}\` ${others.join(', ')}`,
    );
    const cells = [`\`src/${room}/\``, row.does, [...row.imports, ...own].join(', '), beside(row)];
    return `|${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}\n`;
  });
  return HEAD + rows.join('');
}

/** The page with its table as it has to be. */
export function withTable(page, rooms) {
  const old = /^\| room \|.*\n(?:\|.*\n)+/m;
  if (!old.test(page)) throw new Error(`${PAGE} has no table that begins with "| room |"`);
  return page.replace(old, () => tableOf(rooms));
}

export function readRooms(root) {
  return JSON.parse(readFileSync(join(root, TABLE), 'utf8'));
}

export function readSources(root) {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => [`src/${file}`, readFileSync(join(root, 'src', file), 'utf8')]);
}

function main(root) {
  const rooms = readRooms(root);
  const page = readFileSync(join(root, PAGE), 'utf8');
  const wanted = withTable(page, rooms);
  if (process.argv.includes('--write')) return writeFileSync(join(root, PAGE), wanted);
  const problems = problemsOf(rooms, readSources(root));
  if (page !== wanted)
    problems.push(`${PAGE}: its table isn't that of ${TABLE}: "npm run format" writes it`);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(fileURLToPath(new URL('..', import.meta.url)));
