import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArchiveFiles, type ArchiveOptions, openArchive } from '../../src/enforce/archive-files.js';
import { readImageFolder, readImageHost } from '../../src/enforce/image-folder.js';
import { openDump } from '../../src/enforce/open-images.js';
import { unpackImages } from '../../src/enforce/unpack-images.js';
import { containerEngine } from '../../src/formats/archives/container-engine.js';
import { isInputError } from '../../src/model/errors.js';
import {
  dumpMembers,
  END,
  member,
  type Packed,
  repeated,
  stored,
  tarOf,
} from '../archives/pack.js';

const exported = (name: string) =>
  fileURLToPath(new URL(`../fixtures/archives/podman-${name}`, import.meta.url));

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);
let temporary: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-archives-'));
  temporary = process.env.TMPDIR;
  mkdirSync(at('tmp'));
  process.env.TMPDIR = at('tmp');
});
afterEach(() => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  rmSync(folder, { recursive: true, force: true });
});

function put(bytes: Uint8Array, name = 'archive'): string {
  writeFileSync(at(name), bytes);
  return at(name);
}

async function read(path: string, options: ArchiveOptions = {}) {
  const { files, found, spec } = await openDump(path, options);
  try {
    return { images: readImageFolder(files), found, engine: containerEngine(spec) };
  } finally {
    files.close();
  }
}

async function errorOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!isInputError(error)) throw error;
    return `${error.place.file}: ${error.message}`.replace(folder, '').replace(/^\//, '');
  }
  throw new Error('it was taken');
}

const CONTAINER = { kind: 'dump', folder: 'checkpoint', container: '' };

describe('what Podman exports', () => {
  const plain = () => gunzipSync(readFileSync(exported('gzip')));

  it.each<[string, () => string]>([
    ['with gzip', () => exported('gzip')],
    ['with Zstandard', () => exported('zstd')],
    ['without packing', () => put(plain())],
    [
      'with Zstandard, in several frames',
      () => {
        const bytes = plain();
        return put(
          Buffer.concat([stored(bytes.subarray(0, 70_000)), stored(bytes.subarray(70_000))]),
        );
      },
    ],
    [
      'in two gzip members',
      () => {
        const bytes = plain();
        return put(
          Buffer.concat([gzipSync(bytes.subarray(0, 777)), gzipSync(bytes.subarray(777))]),
        );
      },
    ],
  ])('is read: %s', async (_, path) => {
    const { images, found, engine } = await read(path());
    expect(found).toEqual(CONTAINER);
    expect(engine).toBe('podman');
    // One static program, of one thread, which sleeps: no handler runs, and nothing is bound lazily.
    expect(images.processes).toHaveLength(1);
    expect(images.processes[0]).toMatchObject({
      pid: 1,
      comm: 'still',
      isAlive: true,
      threads: [{ tid: 1, compat: false }],
      signalFrames: { known: true, value: [] },
      lazyBinding: { known: true, value: { kind: 'none' } },
    });
  });

  it('leaves nothing behind in the folder of temporary files', async () => {
    await read(exported('gzip'));
    expect(readdirSync(at('tmp'))).toEqual([]);
  });

  it('tells the tasks to who asks for no memory', async () => {
    const { images } = await read(exported('gzip'), { pages: false });
    expect(images.processes[0]?.signalFrames).toMatchObject({ known: false });
  });

  it.each([1, 100, 512, 1000, 5000, 9000])(
    'is refused where the last %i bytes are missing',
    async (cut) => {
      for (const name of ['gzip', 'zstd']) {
        const bytes = readFileSync(exported(name));
        const path = put(bytes.subarray(0, bytes.length - cut));
        expect(await errorOf(read(path)), name).toMatch(/damaged, or end too early/);
      }
      // The end of a tar is two blocks, and one is enough.
      const whole = plain();
      const end = whole.lastIndexOf('rootfs-diff.tar\0') + 512 + 3584;
      expect(await errorOf(read(put(whole.subarray(0, end - cut))))).toMatch(
        /ends in the middle|has no end/,
      );
      expect(await errorOf(read(put(whole.subarray(0, end))))).toMatch(/has no end/);
    },
  );
});

const spec = (annotations: object) => JSON.stringify({ annotations });
const inEngine = (manager: object): Packed[] => [
  { name: 'config.dump', content: '{}' },
  { name: 'spec.dump', content: spec(manager) },
  ...dumpMembers('haswell', 'checkpoint'),
];

describe('archives of other shapes', () => {
  it.each<[string, Packed[], object, string | undefined]>([
    [
      'CRI-O',
      [...inEngine({ 'io.container.manager': 'cri-o' }), { name: 'bind.mounts', content: '[]' }],
      CONTAINER,
      'cri-o',
    ],
    [
      'containerd',
      [
        ...inEngine({ 'io.kubernetes.cri.container-type': 'container' }),
        { name: 'container.log' },
        { name: 'status', content: 'x' },
      ],
      CONTAINER,
      'containerd',
    ],
    ['an engine that nobody knows', inEngine({}), CONTAINER, undefined],
    [
      'a packed folder',
      dumpMembers('haswell', 'srv/web'),
      { kind: 'dump', folder: 'srv/web', container: undefined },
      undefined,
    ],
    [
      'a folder packed from within',
      dumpMembers('haswell', '.'),
      { kind: 'dump', folder: '', container: undefined },
      undefined,
    ],
  ])('are read as the folder is: %s', async (_, members, found, engine) => {
    const { cpuinfo: expectedCpuinfo, ...withoutCpuinfo } = readImageFolder(
      fileURLToPath(new URL('../fixtures/images/haswell', import.meta.url)),
    );
    for (const packed of [tarOf(members), gzipSync(tarOf(members)), stored(tarOf(members))]) {
      const got = await read(put(packed));
      const { cpuinfo, ...rest } = got.images;
      expect(rest).toEqual({ ...withoutCpuinfo, name: rest.name });
      expect(cpuinfo).toEqual({ ...expectedCpuinfo, name: cpuinfo?.name });
      expect([got.found, got.engine]).toEqual([found, engine]);
    }
  });

  it('with a record of a CPU alone are that host', async () => {
    const record = dumpMembers('haswell', 'x').filter(({ name }) => name === 'x/cpuinfo.img');
    const files = await openArchive(put(tarOf(record)));
    expect(readImageHost(files).criu?.xsaveSize).toBe(832);
    files.close();
  });

  it('are told from a sparse file of gigabytes by their headers alone', async () => {
    const bytes = tarOf(dumpMembers('haswell', '')).subarray(0, -END.length);
    const pages = 4 * 1024 ** 3;
    const head = member({ name: 'pages-9.img', size: pages });
    const path = put(Buffer.concat([bytes, head]));
    truncateSync(path, bytes.length + head.length + pages + END.length);
    const { images } = await read(path);
    expect(images.processes).toHaveLength(1);
  }, 5000);
});

const SHA = 'ab'.repeat(32);
const MANIFEST = 'cd'.repeat(32);

function layout(layer: Uint8Array, annotations: object, inIndex = false, layers = 1): Packed[] {
  const marked = inIndex ? { annotations } : {};
  const index = { manifests: [{ digest: `sha256:${MANIFEST}`, ...marked }] };
  const manifest = {
    layers: Array.from({ length: layers }, () => ({ digest: `sha256:${SHA}` })),
    ...(inIndex ? {} : { annotations }),
  };
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: `blobs/sha256/${SHA}`, content: layer },
    { name: `blobs/sha256/${MANIFEST}`, content: JSON.stringify(manifest) },
    { name: 'index.json', content: JSON.stringify(index) },
  ];
}

function unpacked(members: readonly Packed[]): string {
  mkdirSync(at('layout', 'blobs', 'sha256'), { recursive: true });
  for (const { name, content = '' } of members) writeFileSync(at('layout', name), content);
  return at('layout');
}

describe('an OCI image with a checkpoint', () => {
  const layer = () => readFileSync(exported('gzip'));
  const PODMAN = { 'io.podman.annotations.checkpoint.name': 'web' };

  it.each<[string, object, boolean]>([
    ["by Podman's annotation", PODMAN, false],
    ["by CRI-O's", { 'io.kubernetes.cri-o.annotations.checkpoint.name': 'web' }, false],
    ["by checkpointctl's, in the index", { 'org.criu.checkpoint.container.name': 'web' }, true],
  ])('is read %s', async (_, annotations, inIndex) => {
    const members = layout(layer(), annotations, inIndex);
    for (const path of [put(tarOf(members)), unpacked(members)]) {
      const { images, found, engine } = await read(path);
      expect([found, engine, images.processes[0]?.comm]).toEqual([CONTAINER, 'podman', 'still']);
    }
  });

  it.each<[string, Packed[], RegExp]>([
    [
      'another image',
      layout(Buffer.from('x'), { 'org.example.checkpoint': 'x' }),
      /without a checkpoint/,
    ],
    ['two layers', layout(Buffer.from('x'), PODMAN, false, 2), /has 2 layers/],
    ['no layer', layout(Buffer.from('x'), PODMAN, false, 0), /has 0 layers/],
    ['a layer that is none', layout(Buffer.from('x'), PODMAN), /is no tar/],
    [
      'a layer that is missing',
      layout(layer(), PODMAN).filter(({ name }) => !name.endsWith(SHA)),
      /missing/,
    ],
    [
      'a manifest that is missing',
      layout(layer(), PODMAN).filter(({ name }) => !name.endsWith(MANIFEST)),
      /missing/,
    ],
    ['an image within an image', layout(tarOf(layout(layer(), PODMAN)), PODMAN), /holds no dump/],
    [
      'an index that is no JSON',
      layout(layer(), PODMAN).map((one) =>
        one.name === 'index.json' ? { ...one, content: '{' } : one,
      ),
      /index\.json/,
    ],
    [
      'a digest that leads elsewhere',
      layout(layer(), PODMAN).map((one) =>
        one.name === 'index.json'
          ? { ...one, content: '{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}' }
          : one,
      ),
      /is no digest/,
    ],
  ])('is refused with %s', async (_, members, message) => {
    for (const path of [put(tarOf(members)), unpacked(members)])
      expect(await errorOf(read(path))).toMatch(message);
  });

  it('that is packed once more is refused with what to do', async () => {
    expect(
      await errorOf(read(put(gzipSync(tarOf(layout(Buffer.alloc(5_000_000), PODMAN)))))),
    ).toMatch(/packed twice/);
  });
});

const dump = () => dumpMembers('haswell', 'checkpoint');
const link = (name: string, to: string): Packed => ({ name, type: '2', link: to });

describe('what is refused of an archive', () => {
  it.each<[string, Packed[], RegExp]>([
    [
      'an image that is a link',
      [
        ...dump().filter(({ name }) => name !== 'checkpoint/pstree.img'),
        link('checkpoint/pstree.img', '/etc/passwd'),
      ],
      /pstree\.img: is a link/,
    ],
    [
      'an image that is a hard link',
      [
        ...dump().filter(({ name }) => name !== 'checkpoint/pstree.img'),
        { name: 'checkpoint/pstree.img', type: '1', link: 'x' },
      ],
      /pstree\.img: is a link/,
    ],
    [
      'an image that is a device',
      [
        ...dump().filter(({ name }) => name !== 'checkpoint/pstree.img'),
        { name: 'checkpoint/pstree.img', type: '6' },
      ],
      /not a regular file/,
    ],
    [
      'a folder that is a link, too',
      [link('checkpoint', '/etc'), ...dump()],
      /archive\/checkpoint: is a folder, and something else/,
    ],
    [
      'an image that comes twice',
      [...dump(), { name: './checkpoint/core-5001.img', content: 'x' }],
      /checkpoint\/core-5001\.img: is in the archive twice/,
    ],
    [
      'a link in the place of an image that was there',
      [...dump(), link('checkpoint/core-5001.img', 'x')],
      /is in the archive twice/,
    ],
    ['a name that leads out', [...dump(), { name: '../x' }], /leads out of the archive/],
    ['two dumps', [...dump(), ...dumpMembers('haswell', 'b')], /holds 2 dumps/],
    ['no dump', [{ name: 'a.txt', content: 'x' }], /archive: holds no dump/],
    [
      'the remains of a dump that failed',
      dump().filter(({ name }) => name !== 'checkpoint/inventory.img'),
      /archive\/checkpoint: holds the remains of a dump that failed/,
    ],
    [
      'an image larger than images are',
      [
        ...dump().filter(({ name }) => name !== 'checkpoint/pstree.img'),
        { name: 'checkpoint/pstree.img', content: new Uint8Array(64 * 1024 * 1024 + 1) },
      ],
      /larger than 64 MiB/,
    ],
    [
      'a missing image',
      dump().filter(({ name }) => name !== 'checkpoint/core-5003.img'),
      /core-5003\.img: is missing/,
    ],
  ])('%s', async (_, members, message) => {
    for (const packed of [tarOf(members), gzipSync(tarOf(members), { level: 1 })])
      expect(await errorOf(read(put(packed)))).toMatch(message);
  });

  const bomb = { limits: { freeBytes: 4 * 1024 * 1024, ratio: 50 } };

  it.each<[string, () => Uint8Array]>([
    [
      'gzip',
      () =>
        gzipSync(Buffer.concat([member({ name: 'a', content: Buffer.alloc(20_000_000) }), END])),
    ],
    // A member's header, then zeros without end.
    [
      'Zstandard',
      () => Buffer.concat([stored(member({ name: 'a', size: 2 ** 32 })), repeated(1000)]),
    ],
  ])('what %s makes larger than memory ever is', async (_, bytes) => {
    expect(await errorOf(read(put(bytes()), bomb))).toMatch(/more than 50 times as large/);
  });

  it('images that together are more than memory should hold', async () => {
    const many = Array.from({ length: 9 }, (_, place) => ({
      name: `core-${place}.img`,
      content: Buffer.alloc(60 * 1024 * 1024),
    }));
    expect(await errorOf(read(put(gzipSync(tarOf(many), { level: 1 }))))).toMatch(
      /more images than a dump has/,
    );
  }, 60_000);

  it.each<[string, Uint8Array, RegExp]>([
    ['what is packed and no tar', gzipSync('flags: sse2'), /ends in the middle/],
    [
      'random bytes that begin as gzip',
      Buffer.from('1f8b08deadbeef', 'hex'),
      /gzip data are damaged/,
    ],
    [
      'random bytes that begin as Zstandard',
      Buffer.from('28b52ffdffffffffffffff', 'hex'),
      /Zstandard data are damaged/,
    ],
    ['an empty file', new Uint8Array(), /is no tar/],
    ['a tar of nothing', END, /is no tar/],
    ['the same, packed', gzipSync(END), /holds no dump/],
  ])('%s', async (_, bytes, message) => {
    expect(await errorOf(read(put(bytes)))).toMatch(message);
  });
});

describe("an engine's archive, unpacked", () => {
  function folderOf(members: readonly Packed[]): string {
    mkdirSync(at('web', 'checkpoint'), { recursive: true });
    for (const { name, content = '' } of members) writeFileSync(at('web', name), content);
    return at('web');
  }

  it('is read, and so are its images alone', async () => {
    const path = folderOf(inEngine({ 'io.container.manager': 'libpod' }));
    expect(await read(path)).toMatchObject({ found: CONTAINER, engine: 'podman' });
    expect((await read(join(path, 'checkpoint'))).found).toMatchObject({ folder: '' });
  });

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'whose dump failed',
      (path) => rmSync(join(path, 'checkpoint', 'inventory.img')),
      /web\/checkpoint: holds the remains/,
    ],
    [
      'without images',
      (path) => rmSync(join(path, 'checkpoint'), { recursive: true }),
      /web: holds no dump/,
    ],
    [
      'whose images are elsewhere',
      (path) => {
        rmSync(join(path, 'checkpoint'), { recursive: true });
        symlinkSync(
          fileURLToPath(new URL('../fixtures/images/haswell', import.meta.url)),
          join(path, 'checkpoint'),
        );
      },
      /web: holds no dump/,
    ],
  ])('is refused %s', async (_, change, message) => {
    const path = folderOf(inEngine({}));
    change(path);
    expect(await errorOf(read(path))).toMatch(message);
  });
});

describe('images unpacked for CRIU', () => {
  async function unpack(path: string) {
    const { files } = await openDump(path, { pages: false });
    try {
      if (!(files instanceof ArchiveFiles)) throw new Error('no archive');
      return await unpackImages(files);
    } finally {
      files.close();
    }
  }

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['of a tar', (bytes) => bytes],
    ['of gzip', gzipSync],
    ['of Zstandard', stored],
  ])('are all files of their folder, and of nobody else: %s', async (_, pack) => {
    const members = [
      ...dumpMembers('haswell', 'web'),
      { name: 'web/tmpfs-dev-1.tar.gz.img', content: 'content' },
    ];
    const path = put(pack(tarOf([...members, { name: 'other.img', content: 'x' }])));
    const { folder: into, remove } = await unpack(path);
    expect(readdirSync(into).sort()).toEqual(members.map(({ name }) => name.slice(4)).sort());
    for (const { name, content } of members)
      expect(readFileSync(join(into, name.slice(4))).equals(Buffer.from(content as string))).toBe(
        true,
      );
    remove();
    expect(readdirSync(at('tmp'))).toEqual([]);
  });

  it('are none where the folder has a link, and nothing is left', async () => {
    const path = put(tarOf([...dumpMembers('haswell', ''), link('parent', '/etc')]));
    expect(await errorOf(unpack(path))).toMatch(/parent: is no regular file/);
    expect(readdirSync(at('tmp'))).toEqual([]);
  });

  it('are none where they have no room, and nothing is left', async () => {
    const bytes = tarOf(dumpMembers('haswell', '')).subarray(0, -END.length);
    const pages = 2 ** 43;
    const head = member({ name: 'pages-9.img', size: `\x80\0\0\0\0\0\x08${'\0'.repeat(5)}` });
    const path = put(Buffer.concat([bytes, head]));
    truncateSync(path, bytes.length + head.length + pages + END.length);
    expect(await errorOf(unpack(path))).toMatch(/has no room/);
    expect(readdirSync(at('tmp'))).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });
});
