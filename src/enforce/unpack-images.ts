/**
 * The images of an archive as the folder that CRIU wants: of this user alone, of regular files, no
 * larger than there is room for, and gone afterwards, also where a signal ends cpugate.
 */
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from '../formats/archives/byte-source.js';
import { joinName, splitName } from '../formats/archives/find-dump.js';
import { type TarMember, walkTar } from '../formats/archives/tar.js';
import { InputError } from '../model/errors.js';
import { bytesOf, DECODE_LIMITS, packingAt } from './archive-bytes.js';
import type { ArchiveFiles } from './archive-files.js';
import { needRoom } from './spare-pages.js';

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** The room is looked at again after so many bytes. */
const LOOK_BYTES = 32 * 1024 * 1024;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

async function writeMember(
  path: string,
  { bytes, name }: TarMember,
  content: ByteSource,
): Promise<void> {
  const descriptor = openSync(path, FLAGS, 0o600);
  try {
    let unlooked = LOOK_BYTES;
    for await (const piece of content.pieces(bytes)) {
      unlooked += piece.length;
      if (unlooked >= LOOK_BYTES) needRoom(tmpdir(), LOOK_BYTES, name);
      unlooked %= LOOK_BYTES;
      for (let done = 0; done < piece.length; )
        done += writeSync(descriptor, piece, done, piece.length - done);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Of what the archive's first walk has found: what comes twice is refused by then. */
async function unpack({ region, folder, name }: ArchiveFiles, into: string): Promise<void> {
  const packing = packingAt(region);
  if (packing === undefined) throw new Error('the archive is none any more');
  const source = bytesOf(region, packing, DECODE_LIMITS);
  await walkTar(source, region.name, async (member, content) => {
    const [parent, file] = splitName(member.name);
    if (parent !== folder || file === '' || member.kind === 'folder') return;
    if (member.kind !== 'file')
      throw new InputError('malformed', 'is no regular file, and nothing else is unpacked', {
        place: { file: joinName(name, file) },
        remedy: 'Of images with parents, unpack all folders, and give the last one.',
      });
    if (packing === 'tar') needRoom(tmpdir(), member.bytes, region.name);
    await writeMember(join(into, file), member, content);
  });
}

/** Gone with a signal, too, which then does what it would have done. */
function removeAfterSignal(folder: string): () => void {
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const handlers = SIGNALS.map((signal) => {
    const onSignal = () => {
      remove();
      process.kill(process.pid, signal);
    };
    process.once(signal, onSignal);
    return () => process.off(signal, onSignal);
  });
  return () => {
    for (const off of handlers) off();
    remove();
  };
}

export interface UnpackedImages {
  readonly folder: string;
  /** As soon as nobody wants them any more. */
  remove(): void;
}

/** Throws InputError where it can't be unpacked; nothing of it is left then. */
export async function unpackImages(files: ArchiveFiles): Promise<UnpackedImages> {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-images-'));
  const remove = removeAfterSignal(folder);
  try {
    await unpack(files, folder);
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
