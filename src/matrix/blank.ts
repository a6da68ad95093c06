/**
 * A host of which nothing is told. Rules are shown one part of a host at a time, upon this: a rule
 * that looks elsewhere sees nothing there.
 */
import { type Capabilities, describeHost } from '../model/capabilities.js';
import { leafTable } from '../model/leaves.js';

export const BLANK: Capabilities = describeHost({
  name: 'blank',
  format: 'none',
  kind: 'system',
  cpus: [{ logical: [0], leaves: leafTable([]) }],
  remarks: [],
});
