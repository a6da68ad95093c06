/** A folder of CRIU images, opened and read. Everything in it is untrusted. */
import type { ImageFolder } from '../model/image-folder.js';

export interface ReadOptions {
  /** Where the files are that the tasks have mapped (the container's root); default: "/". */
  readonly root?: string;
}

/** Throws InputError for what is no dump, or a damaged one. */
export declare function readImageFolder(path: string, options?: ReadOptions): ImageFolder;

/** For the record: SHA-256 of inventory.img and pstree.img. */
export declare function fingerprintImages(path: string): string;
