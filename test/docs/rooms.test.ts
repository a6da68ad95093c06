/** src/rooms.json says who imports what, and scripts/rooms.mjs refuses anything else. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  problemsOf,
  type Rooms,
  readRooms,
  readSources,
  tableOf,
  withTable,
} from '../../scripts/rooms.mjs';
import { root } from '../cli/run.js';

const ROOMS: Rooms = {
  data: { does: 'tables', imports: [] },
  core: { does: 'values', imports: ['data', 'made'], packages: ['semver', '@scope/tool'] },
  disk: { does: 'files', imports: ['core'], node: true, prints: ['guard.ts'] },
  shop: { does: 'all', imports: ['core'], importsIn: { 'disk.ts': ['disk'] }, prints: true },
  made: { does: 'made at build', imports: [], made: true },
};
/** Uses all that ROOMS grants, so that only what a case adds is wrong. */
const FILES: Readonly<Record<string, string>> = {
  'src/data/bits.ts': "export * from './other.js';",
  'src/core/host.ts': `import { bits } from '../data/bits.js';
import validate from '../made/host.js';
import coerce from 'semver/functions/coerce.js';
import tool from '@scope/tool/deep.js';`,
  'src/disk/guard.ts': `import { readFileSync } from 'node:fs';
import type { Host } from '../core/host.js';
process.stdout.write('up');`,
  'src/shop/deep/sell.ts': "import '../../core/host.js';\nprocess.exit(1);",
  'src/shop/disk.ts': "export { read } from '../disk/guard.js';",
  'src/made/host.ts': "import 'anything'; process.exit();",
};

function problems(added: Readonly<Record<string, string>>, rooms = ROOMS): readonly string[] {
  return problemsOf(rooms, Object.entries({ ...FILES, ...added }));
}

describe('a table of rooms', () => {
  it('takes what it grants', () => expect(problems({})).toEqual([]));

  it.each([
    [
      'an import',
      { 'src/data/x.ts': "\nimport { a } from '../core/host.js';" },
      ["src/data/x.ts:2: static import of '../core/host.js': data imports nothing"],
    ],
    [
      'an import of types',
      { 'src/core/x.ts': "import type { A } from '../disk/guard.js';" },
      ["src/core/x.ts:1: type import of '../disk/guard.js': core imports data, made"],
    ],
    [
      'types among the imported names',
      { 'src/core/x.ts': "import { type A } from '../disk/guard.js';" },
      ["src/core/x.ts:1: type import of '../disk/guard.js': core imports data, made"],
    ],
    [
      'the type of a module',
      { 'src/core/x.ts': "let a: import('../shop/disk.js').A;" },
      ["src/core/x.ts:1: type import of '../shop/disk.js': core imports data, made"],
    ],
    [
      'an import when it runs',
      { 'src/core/x.ts': "// first\nconst a = () => import('../shop/disk.js');" },
      ["src/core/x.ts:2: dynamic import of '../shop/disk.js': core imports data, made"],
    ],
    [
      'an import of a name that is made up',
      { 'src/core/x.ts': 'const a = (b: string) => import(`../${b}.js`);' },
      ["src/core/x.ts:1: dynamic import of a computed name: write the module's name"],
    ],
    [
      'what is given on',
      { 'src/data/x.ts': "export type { A } from '../core/host.js';" },
      ["src/data/x.ts:1: type import of '../core/host.js': data imports nothing"],
    ],
    [
      'a required module',
      { 'src/data/x.ts': "const a = require('../core/host.js');" },
      ["src/data/x.ts:1: require import of '../core/host.js': data imports nothing"],
    ],
    [
      'what only another file of the room imports',
      { 'src/shop/x.ts': "import '../disk/guard.js';" },
      ["src/shop/x.ts:1: static import of '../disk/guard.js': shop imports core"],
    ],
    [
      'the machine',
      { 'src/core/x.ts': "import { readFileSync } from 'node:fs';" },
      ["src/core/x.ts:1: static import of 'node:fs': only disk import node:*"],
    ],
    [
      'the machine by its old name',
      { 'src/core/x.ts': "import { readFileSync } from 'fs';" },
      ["src/core/x.ts:1: static import of 'fs': only disk import node:*"],
    ],
    [
      "the machine's types",
      { 'src/core/x.ts': "import type { Stats } from 'node:fs';" },
      ["src/core/x.ts:1: type import of 'node:fs': only disk import node:*"],
    ],
    [
      'a package',
      { 'src/disk/x.ts': "import semver from 'semver';" },
      ["src/disk/x.ts:1: static import of 'semver': of packages, disk imports nothing"],
    ],
    [
      'printing',
      { 'src/disk/x.ts': "process.stderr.write('');" },
      ['src/disk/x.ts:1: process.stderr: only shop prints, or ends it'],
    ],
    [
      'ending the program',
      { 'src/core/x.ts': "process['exit'](1);" },
      ['src/core/x.ts:1: process.exit: only shop prints, or ends it'],
    ],
    [
      'a way out of src',
      { 'src/core/x.ts': "import table from '../../package.json';" },
      ["src/core/x.ts:1: static import of '../../package.json': core imports data, made"],
    ],
    [
      'a room that it lacks',
      { 'src/new/x.ts': '' },
      ['src/new/x.ts: is in no room of src/rooms.json: add its folder there'],
    ],
    [
      'a file outside of all rooms',
      { 'src/x.ts': '' },
      ['src/x.ts: is in no room of src/rooms.json: add its folder there'],
    ],
  ])('refuses %s', (_, added, expected) => expect(problems(added)).toEqual(expected));

  it.each([
    ['in comments', "// import '../shop/disk.js'\n/* import('../shop/disk.js') */"],
    ['in texts', "const a = \"import '../shop/disk.js'\"; const b = `import('node:fs')`;"],
    ['of the room itself', "import { a } from './deep/a.js'; import('../core/host.js');"],
    ['of other things with such names', "a.require('fs'); b.stdout; process.exitCode = 1;"],
  ])('takes imports %s', (_, code) => expect(problems({ 'src/core/x.ts': code })).toEqual([]));

  it('refuses to grant what no file needs', () =>
    expect(
      problems({ 'src/core/host.ts': "import '../data/bits.js'; import '../made/host.js';" }),
    ).toEqual([
      'src/rooms.json: "core package semver" is what no file needs: take it out',
      'src/rooms.json: "core package @scope/tool" is what no file needs: take it out',
    ]));

  it('refuses an import from below', () =>
    expect(
      problems(
        { 'src/data/x.ts': "import '../core/host.js';" },
        { ...ROOMS, data: { does: '', imports: ['core'] } },
      ),
    ).toEqual(['src/rooms.json: data imports core, which is no room above it']));

  it('is written for people', () => {
    expect(tableOf(ROOMS).split('\n').slice(2)).toEqual([
      '| `src/data/` | tables | | |',
      '| `src/core/` | values | data, made | semver, @scope/tool |',
      '| `src/disk/` | files | core | `node:*`, `guard.ts` prints |',
      '| `src/shop/` | all | core, in `disk.ts` disk | prints |',
      '| `src/made/` | made at build | | |',
      '',
    ]);
    const page = 'before\n\n| room | x |\n| --- | --- |\n| old | old |\n\nafter\n';
    expect(withTable(page, ROOMS)).toBe(`before\n\n${tableOf(ROOMS)}\nafter\n`);
    expect(() => withTable('nothing', ROOMS)).toThrow('has no table');
  });
});

describe('src/rooms.json', () => {
  const rooms = readRooms(root);
  it('has every folder of src', () =>
    expect(Object.keys(rooms).sort()).toEqual(
      readdirSync(join(root, 'src'), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort(),
    ));
  it('grants what the files of src import and print', () =>
    expect(problemsOf(rooms, readSources(root))).toEqual([]));
  it('has four rooms with effects, and one that prints', () => {
    const having = (what: 'node' | 'prints') =>
      Object.keys(rooms).filter((room) => rooms[room]?.[what] === true);
    expect(having('node')).toEqual(['probe', 'enforce', 'gather', 'cli']);
    expect(having('prints')).toEqual(['cli']);
  });
  it('is the table of ARCHITECTURE.md', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    expect(withTable(page, rooms)).toBe(page);
  });
});

describe('a circle of imports', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'cpugate-circle-'));
    copyFileSync(join(root, 'biome.json'), join(made, 'biome.json'));
    return made;
  };
  it.each([
    ['of types', "import type { B } from './b.js';\nexport type A = B;\n"],
    ['of types and values', "import { type B, b } from './b.js';\nexport type A = B;\nb();\n"],
  ])('%s is refused', (_, code) => {
    const at = folder();
    try {
      writeFileSync(join(at, 'a.ts'), code);
      writeFileSync(
        join(at, 'b.ts'),
        "import type { A } from './a.js';\nexport type B = A[];\nexport const b = () => {};\n",
      );
      const biome = join(root, 'node_modules', '.bin', 'biome');
      const { status, stdout, stderr } = spawnSync(
        biome,
        ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '.'],
        { cwd: at, encoding: 'utf8' },
      );
      expect(stdout + stderr).toContain('noImportCycles');
      expect(status).toBe(1);
    } finally {
      rmSync(at, { recursive: true });
    }
  });
});
