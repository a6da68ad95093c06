/**
 * A dump, wherever people have it: CRIU's own folder, the folder of a container's checkpoint around it,
 * an OCI layout, or an archive of any of these.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FoundDump, findDump, joinName } from '../formats/archives/find-dump.js';
import { checkpointLayer, LARGEST_MANIFEST } from '../formats/archives/oci-image.js';
import { type Input, openInput } from '../formats/format.js';
import { type ArchiveFiles, type ArchiveOptions, noDump, openArchive } from './archive-files.js';
import { FolderFiles, type ImageFiles, unreadable } from './image-files.js';

/** Files, and those of the one folder that engines make; no link is followed. */
function namesIn(path: string): ReadonlySet<string> {
  const filesOf = (folder: string) => {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      throw unreadable(folder, error);
    }
  };
  const own = filesOf(path);
  const hasCheckpoint = own.some((entry) => entry.isDirectory() && entry.name === 'checkpoint');
  const names = own.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (hasCheckpoint)
    for (const entry of filesOf(join(path, 'checkpoint')))
      if (entry.isFile()) names.push(joinName('checkpoint', entry.name));
  return new Set(names);
}

/** Containers' settings have some ten kilobytes. */
const LARGEST_SPEC = 4 * 1024 * 1024;

export interface DumpPlace {
  readonly found: FoundDump;
  readonly files: ImageFiles;
  /** Of a container: its runtime's configuration. */
  readonly spec: Input | undefined;
}

function placeInArchive(files: ArchiveFiles): DumpPlace {
  const { found } = files;
  const container = found.kind === 'dump' ? found.container : undefined;
  const spec =
    container === undefined
      ? undefined
      : files.settings(joinName(container, 'spec.dump'), LARGEST_SPEC);
  return { found, files, spec };
}

function specIn(path: string): Input | undefined {
  const files = new FolderFiles(path);
  try {
    const bytes = files.readFile('spec.dump', LARGEST_SPEC);
    return bytes && openInput(join(path, 'spec.dump'), bytes);
  } finally {
    files.close();
  }
}

async function openLayout(path: string, options: ArchiveOptions): Promise<DumpPlace> {
  const files = new FolderFiles(path);
  try {
    const layer = checkpointLayer(path, (name) => {
      const bytes = files.readFile(name, LARGEST_MANIFEST);
      if (bytes === undefined) throw unreadable(join(path, name), { code: 'ENOENT' });
      return openInput(join(path, name), bytes);
    });
    const archive = await openArchive(join(path, layer), { ...options, isLayer: true });
    return placeInArchive(archive);
  } finally {
    files.close();
  }
}

function openFolder(path: string, options: ArchiveOptions): DumpPlace | Promise<DumpPlace> {
  const names = namesIn(path);
  // CRIU's own folder is one, whatever else lies in it.
  const found: FoundDump = names.has('inventory.img')
    ? { kind: 'dump', folder: '', container: undefined }
    : findDump(names);
  if (found.kind === 'oci') return openLayout(path, options);
  if (found.kind !== 'dump' && found.kind !== 'record') throw noDump(path, found);
  const isContainer = found.kind === 'dump' && found.container !== undefined;
  const spec = isContainer ? specIn(path) : undefined;
  return { found, files: new FolderFiles(join(path, found.folder)), spec };
}

/** Throws InputError for what holds no dump. The files are the caller's to close. */
export async function openDump(path: string, options: ArchiveOptions = {}): Promise<DumpPlace> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
  if (isFolder) return openFolder(path, options);
  return placeInArchive(await openArchive(path, options));
}
