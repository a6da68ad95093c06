/**
 * A host with nothing that a task could count on, and nothing that isn't known. Rules are shown one part
 * of a host at a time, upon this: what they find is the part's.
 */
import { type Capabilities, describeHost } from '../model/capabilities.js';
import { leafTable } from '../model/leaves.js';
import { ALL_KNOWN_64 } from '../model/registers.js';
import { ABSENT } from '../model/xsave.js';

const unknown: Capabilities = describeHost({
  name: 'blank',
  format: 'none',
  kind: 'model',
  cpus: [{ logical: [0], leaves: leafTable([]) }],
  remarks: [],
});
const nothing = { value: 0n, known: ALL_KNOWN_64 };

export const BLANK: Capabilities = {
  ...unknown,
  hardware: () => ABSENT,
  effective: () => ABSENT,
  vendor: '',
  cacheLineBytes: 0,
  linearAddressBits: 0,
  kernelFact: () => ABSENT,
  xsave: { ...unknown.xsave, offered: nothing, enabled: nothing },
};
