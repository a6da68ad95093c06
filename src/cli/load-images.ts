/** Dumps, where a host is asked for: loaded only when one is given. */
import type { ArchiveOptions } from '../enforce/archive-files.js';
import { type CodeInImages, codeInImages } from '../enforce/code-images.js';
import type { ImageFiles } from '../enforce/image-files.js';
import {
  isDump,
  type ReadOptions,
  readImageFolder,
  readImageHost,
} from '../enforce/image-folder.js';
import { openDump } from '../enforce/open-images.js';
import { shownInDump } from '../judge/gate.js';
import type { Capabilities } from '../model/capabilities.js';
import type { Host } from '../model/host.js';
import type { ImageFolder } from '../model/image-folder.js';

export { readMappedCode } from '../enforce/code-images.js';
export { gate } from '../judge/gate.js';
export { isRelease } from '../model/release.js';

async function withDump<T>(
  wanted: string,
  options: ArchiveOptions,
  work: (files: ImageFiles) => T,
): Promise<T> {
  const { files } = await openDump(wanted, options);
  try {
    return work(files);
  } finally {
    files.close();
  }
}

/** Undefined: a record of a CPU alone. Throws InputError for what is neither, or damaged. */
export async function loadDump(
  wanted: string,
  options: ReadOptions,
): Promise<ImageFolder | undefined> {
  return withDump(wanted, {}, (files) =>
    isDump(files) ? { ...readImageFolder(files, options), name: wanted } : undefined,
  );
}

export interface DumpedCode extends CodeInImages {
  /** What the tasks were shown of the CPU. */
  readonly shown: Capabilities;
}

/** The code of a dump's tasks. Undefined: a record of a CPU alone. Throws as `loadDump` does. */
export async function loadDumpCode(wanted: string): Promise<DumpedCode | undefined> {
  return withDump(wanted, {}, (files) => {
    if (!isDump(files)) return undefined;
    const images = readImageFolder(files);
    return { ...codeInImages(files, images), shown: shownInDump({ ...images, name: wanted }) };
  });
}

/** The host where it was dumped. Throws InputError where nothing tells it. */
export async function loadDumpHost(wanted: string): Promise<Host> {
  return withDump(wanted, { pages: false }, (files) => ({
    ...readImageHost(files),
    name: wanted,
  }));
}
