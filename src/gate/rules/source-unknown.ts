import { RECORD_NAME } from '../../model/dump-record.js';
import type { GateRule } from '../rule.js';

/**
 * Nobody has told which CPU the tasks saw. What they use now is in the images; what they have asked
 * and kept isn't.
 */
export const sourceUnknown: GateRule = ({ source }) =>
  source !== undefined
    ? []
    : [
        {
          code: 'source-unknown',
          severity: 'unknown',
          effect:
            `The folder holds neither ${RECORD_NAME} nor cpuinfo.img, so it is unknown which CPU the ` +
            'tasks have seen. Dump with "cpugate dump", or at least with criu --cpu-cap=cpu.',
          remedy: 'none',
        },
      ];
