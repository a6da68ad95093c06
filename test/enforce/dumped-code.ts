/** Dumps of one process, 77, with the code that it has mapped, and the root where its files are. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Field, message, text } from '../formats/criu-bytes.js';
import {
  core,
  imageFile,
  inventory,
  type MappingPlan,
  mm,
  pstree,
} from '../formats/image-bytes.js';
import { pagemapImage } from '../formats/image-pages.js';

export const PID = 77;
export const PAGE = 4096n;
export const EXECUTE = 5;

export interface FilePlan {
  readonly id: number;
  readonly path: string;
  readonly size?: number;
  readonly buildId?: Uint8Array;
}

function wordsOf(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, place) => [
    11,
    view.getUint32(place * 4, true),
  ]);
}

export function filesImage(files: readonly FilePlan[]): Uint8Array {
  return imageFile(
    'files',
    files.map(({ id, path, size, buildId }) =>
      message([
        [1, 1],
        [2, id],
        [
          3,
          message([
            [1, id],
            [2, 0],
            [3, 0],
            [6, text(path)],
            ...(size === undefined ? [] : [[8, size] as const]),
            ...(buildId === undefined ? [] : wordsOf(buildId)),
          ]),
        ],
      ]),
    ),
  );
}

export interface DumpPlan {
  readonly files: readonly FilePlan[];
  readonly mappings: readonly MappingPlan[];
  /** Pages that the dump holds, by address. */
  readonly pages?: readonly { readonly address: bigint; readonly content: Uint8Array }[];
  /** Numbers of deleted files. */
  readonly deleted?: readonly number[];
}

export function writeDump(
  folder: string,
  { files, mappings, pages = [], deleted = [] }: DumpPlan,
): void {
  const write = (name: string, bytes: Uint8Array) => writeFileSync(join(folder, name), bytes);
  mkdirSync(folder, { recursive: true });
  write('inventory.img', inventory());
  write('pstree.img', pstree([{ pid: PID }]));
  write(`core-${PID}.img`, core({ state: 1 }));
  write(`mm-${PID}.img`, mm(mappings));
  write(
    `pagemap-${PID}.img`,
    pagemapImage(
      1,
      pages.map(({ address }) => ({ address, pages: 1 })),
    ),
  );
  write('pages-1.img', Buffer.concat(pages.map(({ content }) => content)));
  write('files.img', filesImage(files));
  if (deleted.length > 0)
    write(
      'remap-fpath.img',
      imageFile(
        'remap-fpath',
        deleted.map((id) =>
          message([
            [1, id],
            [2, 0],
          ]),
        ),
      ),
    );
}

export function writeBelow(root: string, path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** A program of test/audit/program.ts with a build ID: a segment of notes where its file has room. */
export function withBuildId(program: Uint8Array, id: Uint8Array): Buffer {
  const [HEADERS, NOTE, NOTE_SEGMENT, BUILD_ID] = [0x9f00, 0x9f80, 4, 3];
  const file = Buffer.from(program);
  file.writeBigUInt64LE(BigInt(HEADERS), 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(NOTE_SEGMENT, HEADERS);
  for (const at of [8, 16, 24]) file.writeBigUInt64LE(BigInt(NOTE), HEADERS + at);
  for (const at of [32, 40]) file.writeBigUInt64LE(BigInt(16 + id.length), HEADERS + at);
  for (const [place, word] of [4, id.length, BUILD_ID].entries())
    file.writeUInt32LE(word, NOTE + place * 4);
  file.write('GNU\0', NOTE + 12);
  file.set(id, NOTE + 16);
  return file;
}
