/** The judge, asked about hosts as they were read. */
import { type CompareOptions, compareHosts as compare } from '../../src/judge/compare.js';
import { type GateOptions, gate as judgeImages } from '../../src/judge/gate.js';
import { described } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import type { ImageFolder } from '../../src/model/image-folder.js';

export function compareHosts(from: Host, to: Host, options?: CompareOptions) {
  return compare(described(from), described(to), options);
}

export function gate(images: ImageFolder, target: Host, options?: GateOptions) {
  return judgeImages(images, described(target), options);
}
