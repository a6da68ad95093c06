import { RECORD_NAME } from '../model/dump-record.js';
import { rule } from './rule.js';

/**
 * Nobody has told which CPU the tasks saw. What they use now is in the images; what they have asked
 * and kept isn't.
 */
export const sourceUnknown = rule({
  code: 'source-unknown',
  reads: ['images'],
  find: ({ images }) =>
    images !== undefined && images.source === undefined ? [{ severity: 'unknown', facts: {} }] : [],
  sentence: () =>
    `The folder holds neither ${RECORD_NAME} nor cpuinfo.img, so it is unknown which CPU the tasks have seen.`,
  remedy: 'dump-again',
  severities: ['unknown'],
  when: `neither ${RECORD_NAME} nor cpuinfo.img tells which CPU the dumped tasks have seen`,
  meaning:
    'What tasks have asked and kept is in no image, so nothing else can be compared, and the answer is not yes.',
  advice:
    'Take the dump with "cpugate dump", which records the host beside the images, or at least with criu --cpu-cap=cpu.',
});
