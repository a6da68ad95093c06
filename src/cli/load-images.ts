/** Folders of CRIU images, where a host is asked for: loaded only when one is given. */
export { isDump, readImageFolder, readImageHost } from '../enforce/image-folder.js';
export { gate } from '../judge/gate.js';
export { isRelease } from '../model/release.js';
